package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p, ctx := w.player(t, "ana", ""), t.Context()
			session := func(hash string) string {
				id, generation, expires, err := w.Session(ctx, hash)
				if errors.Is(err, contest.ErrNotSignedIn) {
					return "none"
				}
				check(t, err)
				return fmt.Sprintf("%t, generation %d, until %v", id == p.ID, generation, expires.Sub(start))
			}
			check(t, w.AddSession(ctx, "old", p.ID, 0, at(0), at(60)))
			check(t, w.AddSession(ctx, "first", p.ID, 7, at(0), at(100)))
			check(t, w.AddSession(ctx, "second", p.ID, 0, at(60), at(200))) // after the old session has expired

			check(t, w.ExtendSession(ctx, "first", at(300)))
			check(t, w.DeleteSession(ctx, "second"))
			check(t, w.DeleteSession(ctx, "nobody's"))

			got := map[string]string{}
			for _, hash := range []string{"old", "first", "second", "nobody's"} {
				got[hash] = session(hash)
			}
			want := map[string]string{"old": "none", "first": "true, generation 7, until 5m0s", "second": "none", "nobody's": "none"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sessions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUploadsUnderWay(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			ana, beto, ctx := w.player(t, "ana", ""), w.player(t, "beto", ""), t.Context()
			upload := func(id string, p contest.Player, expires time.Time) contest.PartialUpload {
				u := contest.PartialUpload{
					ID: id, PlayerID: p.ID, Title: "Triple " + id, DeclaredType: "video/mp4", Size: 100 << 20, ExpiresAt: expires,
				}
				check(t, w.AddUpload(ctx, u))
				return u
			}
			late := upload("late", ana, at(10))
			young := upload("young", ana, at(20))
			upload("beto's", beto, at(20))
			upload("gone", ana, at(10))

			check(t, w.DeleteUpload(ctx, "gone"))
			check(t, w.DeleteUpload(ctx, "gone"))

			got, err := w.Upload(ctx, "young")
			if diff := cmp.Diff(young, got); diff != "" || err != nil {
				t.Errorf("upload, %v (-want +got):\n%s", err, diff)
			}
			if _, err := w.Upload(ctx, "gone"); !errors.Is(err, contest.ErrNoVideo) {
				t.Errorf("an upload that is gone: got %v", err)
			}
			expired, err := w.ExpiredUploads(ctx, at(10))
			if diff := cmp.Diff([]contest.PartialUpload{late}, expired); diff != "" || err != nil {
				t.Errorf("expired, %v (-want +got):\n%s", err, diff)
			}
			if n := w.underWay(t, ana, at(10)); n != 1 {
				t.Errorf("Ana has %d under way, want 1", n)
			}
		})
	}
}

// An upload becomes one video, however often clients finish it. Its row stays until it expires.
func TestAnUploadBecomesOneVideo(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			ana, beto, ctx := w.player(t, "ana", ""), w.player(t, "beto", ""), t.Context()
			u := contest.PartialUpload{ID: "ana's", PlayerID: ana.ID, Title: "Triple", Size: 9, ExpiresAt: at(20)}
			check(t, w.AddUpload(ctx, u))

			v, err := w.AddVideoFromPartialUpload(ctx, video(ana, "Triple", at(1)), u.ID)

			check(t, err)
			for who, again := range map[string]contest.Video{"again": video(ana, "2", at(2)), "another": video(beto, "3", at(2))} {
				if _, err := w.AddVideoFromPartialUpload(ctx, again, u.ID); !errors.Is(err, contest.ErrNoVideo) {
					t.Errorf("%s: got %v", who, err)
				}
			}
			if _, err := w.AddVideoFromPartialUpload(ctx, video(ana, "4", at(2)), "nobody's"); !errors.Is(err, contest.ErrNoVideo) {
				t.Errorf("of no upload: got %v", err)
			}
			list, err := w.VideosOfPlayer(ctx, ana.ID)
			if diff := cmp.Diff([]contest.Video{v}, list); diff != "" || err != nil || v.TaskID == "" {
				t.Errorf("her videos, %v (-want +got):\n%s", err, diff)
			}
			u.VideoID = v.ID
			got, err := w.Upload(ctx, u.ID)
			if diff := cmp.Diff(u, got); diff != "" || err != nil {
				t.Errorf("the upload, %v (-want +got):\n%s", err, diff)
			}
			if n := w.underWay(t, ana, at(10)); n != 0 {
				t.Errorf("%d under way, want none", n)
			}
			expired, err := w.ExpiredUploads(ctx, at(20))
			if diff := cmp.Diff([]contest.PartialUpload{u}, expired); diff != "" || err != nil {
				t.Errorf("expired, %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// standing adds a player for each number of votes, in alternating cities, and returns the players and their videos.
func (w *world) standing(t tester, votes ...int) (players []contest.Player, videos []contest.Video) {
	t.Helper()
	var fans []contest.Player
	for i := range slices.Max(votes) {
		fans = append(fans, w.player(t, fmt.Sprintf("fan%d", i), ""))
	}
	for i, n := range votes {
		p := w.player(t, fmt.Sprintf("star%d", i), []string{"Cali", "Tunja"}[i%2])
		v := w.public(t, p, "Clavada", at(i))
		for j := range n {
			check(t, second(w.AddVote(t.Context(), v.ID, fans[j].ID, at(1000+10*j+i))))
		}
		players, videos = append(players, p), append(videos, v)
	}
	return players, videos
}

func TestPlaceIsTheRankings(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			w.standing(t, 2, 0, 3, 2, 0, 1)
			list, err := w.RankingPage(t.Context(), contest.RankingQuery{Page: contest.Page{Number: 1, Limit: 10}})
			check(t, err)
			if len(list) != 6 {
				t.Fatalf("got %d places", len(list))
			}
			for _, s := range list {
				if place, err := w.RankingPosition(t.Context(), s.PlayerID); place != s.Position || err != nil {
					t.Errorf("player %d: got place %d, %v, want %d", s.PlayerID, place, err, s.Position)
				}
			}
			nobody := w.player(t, "nobody", "")
			if _, err := w.RankingPosition(t.Context(), nobody.ID); !errors.Is(err, contest.ErrNoPlayer) {
				t.Errorf("without a public video: got %v", err)
			}
		})
	}
}

func TestRankingIsRememberedOnceADay(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			players, videos := w.standing(t, 2, 1, 0, 0)
			before := func(city string) (list []string) {
				all, err := w.RankingPage(t.Context(), contest.RankingQuery{Page: contest.Page{Number: 1, Limit: 10}, City: city})
				check(t, err)
				for _, s := range all {
					list = append(list, fmt.Sprintf("%s %d<%d", s.Username[:5], s.Position, s.PreviousPosition))
				}
				return list
			}
			remember := func(at time.Time) {
				check(t, w.RememberRanking(t.Context(), at, at.Truncate(24*time.Hour)))
			}
			hold := func(when string, want map[string][]string) {
				t.Helper()
				got := map[string][]string{}
				for city := range want {
					got[city] = before(city)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", when, diff)
				}
			}
			hold("nothing remembered", map[string][]string{"": {"star0 1<0", "star1 2<0", "star2 3<0", "star3 4<0"}})

			remember(start)
			for i := range 2 {
				fan := w.player(t, fmt.Sprintf("late%d", i), "")
				check(t, second(w.AddVote(t.Context(), videos[3].ID, fan.ID, at(5000+i))))
			}
			check(t, second(w.AddVote(t.Context(), videos[3].ID, players[0].ID, at(6000))))
			moved := map[string][]string{
				"": {"star3 1<4", "star0 2<1", "star1 3<2", "star2 4<3"}, "Tunja": {"star3 1<2", "star1 2<1"}, "Cali": {"star0 1<1", "star2 2<2"},
			}
			hold("after votes", moved)

			remember(at(3600))
			hold("later on the same day", moved)

			remember(start.Add(24 * time.Hour))
			hold("the next day", map[string][]string{
				"": {"star3 1<1", "star0 2<2", "star1 3<3", "star2 4<4"}, "Tunja": {"star3 1<1", "star1 2<2"},
			})
		})
	}
}

func TestVoted(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			ctx, fan := t.Context(), w.player(t, "fan", "")
			star, other := w.public(t, w.player(t, "ana", ""), "Clavada", start), w.public(t, w.player(t, "beto", ""), "Triple", start)
			hold := func(when string, v contest.Video, want bool) {
				t.Helper()
				if got, err := w.HasVoted(ctx, v.ID, fan.ID); got != want || err != nil {
					t.Errorf("%s: got %t, %v", when, got, err)
				}
			}
			hold("before", star, false)
			check(t, second(w.AddVote(ctx, star.ID, fan.ID, at(1))))
			hold("after", star, true)
			hold("another's", other, false)
			check(t, second(w.WithdrawVote(ctx, star.ID, fan.ID)))
			hold("taken back", star, false)
		})
	}
}

// A player who changes city or name is found in every list by the new one only.
func TestChangedPlayer(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			ctx, ana := t.Context(), w.player(t, "ana", "Cali")
			w.public(t, ana, "Clavada", start)
			w.public(t, w.player(t, "beto", "Cali"), "Triple", at(1))
			changed := ana
			changed.FirstName, changed.LastName, changed.City, changed.Country = "Anaïs", "Ñáñez", "San José", "Costa Rica"

			check(t, w.UpdateProfile(ctx, changed))

			got, err := w.PlayerByID(ctx, ana.ID)
			if diff := cmp.Diff(changed, got); diff != "" || err != nil {
				t.Errorf("player, %v (-want +got):\n%s", err, diff)
			}
			page := contest.Page{Number: 1, Limit: 10}
			found := map[string]int{}
			for _, q := range []contest.PublicQuery{
				{City: "Cali"}, {City: "san jose"}, {Search: "ñañez"}, {Search: "rios"}, {Search: "clavada"},
			} {
				n, err := w.CountPublicVideos(ctx, q)
				check(t, err)
				found[q.City+q.Search] = n
			}
			for _, city := range []string{"cali", "San José"} {
				list, err := w.RankingPage(ctx, contest.RankingQuery{Page: page, City: city})
				check(t, err)
				found["ranking of "+city] = len(list)
			}
			want := map[string]int{
				"Cali": 1, "san jose": 1, "ñañez": 1, "rios": 1, "clavada": 1, "ranking of cali": 1, "ranking of San José": 1,
			}
			if diff := cmp.Diff(want, found); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
			if err := w.UpdateProfile(ctx, contest.Player{ID: 999}); !errors.Is(err, contest.ErrNotSignedIn) {
				t.Errorf("nobody: got %v", err)
			}
		})
	}
}

func TestMostVotedOrder(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			_, videos := w.standing(t, 1, 3, 0, 1, 3, 0)
			order := func(q contest.PublicQuery) (places []int) {
				q.MostVoted = true
				list, err := w.PublicVideos(t.Context(), q)
				check(t, err)
				for _, v := range list {
					places = append(places, slices.IndexFunc(videos, func(o contest.Video) bool { return o.ID == v.ID }))
				}
				return places
			}
			got := map[string][]int{
				"all":    order(contest.PublicQuery{Page: contest.Page{Number: 1, Limit: 10}}),
				"page 2": order(contest.PublicQuery{Page: contest.Page{Number: 2, Limit: 2}}),
				"Tunja":  order(contest.PublicQuery{Page: contest.Page{Number: 1, Limit: 10}, City: "tunja"}),
			}
			want := map[string][]int{"all": {4, 1, 3, 0, 5, 2}, "page 2": {3, 0}, "Tunja": {1, 3, 5}} // ties: later upload first
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

// underWay counts a player's uploads that are neither finished nor expired.
func (w *world) underWay(t tester, p contest.Player, at time.Time) int64 {
	t.Helper()
	return w.number(t, `SELECT count(*) FROM uploads WHERE player_id = $1 AND expires_at > $2 AND video_id = 0`,
		p.ID, at.Format("2006-01-02T15:04:05.000000Z"))
}

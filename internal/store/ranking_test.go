package store_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"risingstars/internal/contest"
	"risingstars/internal/live"
)

// Compares votes and ranking with a model that has no tables. Both must agree after any sequence of actions.
func TestRankingIsTheModels(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		rapid.Check(t, func(t *rapid.T) {
			w.clear(t)
			m := newModel(t, w)
			m.begin(t)
			t.Repeat(rapid.StateMachineActions(m))
			m.full(t)
		})
	})
}

// cities are few, with several spellings each, so that players share them. asked has some that match no city.
var (
	cities    = []string{"", "Bogotá", "BOGOTA", "Bogota\u0301", "Cali", "San José", "san  jose"}
	cityNames = map[string]string{
		"Bogotá": "bogota", "BOGOTA": "bogota", "Bogota\u0301": "bogota", "bogotá": "bogota",
		"Cali": "cali", "cali": "cali", "San José": "san jose", "san  jose": "san jose",
	}
	asked = []string{"", "bogotá", "BOGOTA", "cali", "San José", "Lima", "Bogot", "%"}
)

// model computes the contest from its rules: the videos of each player, and the moment of each vote.
type model struct {
	w       *world
	votes   *contest.Votes
	now     time.Time
	players []contest.Player
	videos  []contest.Video
	given   map[[2]int64]time.Time // votes that count, by video and voter
	aside   map[[2]int64]asideVote // votes that do not count
	trail   int
}

func newModel(t tester, w *world) *model {
	t.Helper()
	m := &model{w: w, now: start, given: map[[2]int64]time.Time{}, aside: map[[2]int64]asideVote{}}
	m.votes = &contest.Votes{Store: w.Store, Live: live.NewLocal(time.Now), Clock: func() time.Time { return m.now }}
	return m
}

// begin adds some players with videos, so that the random steps need not.
func (m *model) begin(t *rapid.T) {
	for range 4 {
		m.SignUp(t)
	}
	for i := range 5 {
		v := m.w.upload(t, m.players[i%3], "clip", m.now)
		m.videos = append(m.videos, m.w.bring(t, v, contest.Processed))
		if i < 4 {
			_, err := m.w.PublishVideo(t.Context(), v.ID, m.now)
			check(t, err)
			m.videos[i].Status, m.videos[i].PublishedAt = contest.Public, m.now
		}
		m.Wait(t)
	}
}

// SignUp adds a player.
func (m *model) SignUp(t *rapid.T) {
	if len(m.players) >= 9 {
		t.Skip("enough players")
	}
	name := fmt.Sprintf("p%d", len(m.players))
	m.players = append(m.players, m.w.player(t, name, rapid.SampledFrom(cities).Draw(t, "city")))
}

// Upload adds a video with any status before public.
func (m *model) Upload(t *rapid.T) {
	p := m.somePlayer(t, "player")
	if p.IsSuspended() {
		_, err := m.w.AddVideo(t.Context(), video(p, "clip", m.now))
		wantErr(t, err, contest.ErrAccountSuspended)
		return
	}
	v := m.w.upload(t, p, "clip", m.now)
	to := rapid.SampledFrom([]contest.Status{contest.Uploaded, contest.Processed, contest.Processed, contest.Processed}).Draw(t, "status")
	m.videos = append(m.videos, m.w.bring(t, v, to))
}

// Publish publishes a processed video. Publishing it again changes nothing.
func (m *model) Publish(t *rapid.T) {
	i := m.someVideo(t)
	v := &m.videos[i]
	got, err := m.w.PublishVideo(t.Context(), v.ID, m.now)
	if m.player(v.PlayerID).IsSuspended() {
		wantErr(t, err, contest.ErrAccountSuspended)
		return
	}
	switch v.Status {
	case contest.Uploaded:
		wantErr(t, err, contest.ErrNotProcessed)
	case contest.Processed:
		if v.Hidden != contest.NotHidden {
			wantErr(t, err, contest.ErrHidden)
			return
		}
		check(t, err)
		v.Status, v.PublishedAt = contest.Public, m.now
	default:
		check(t, err)
		if !got.PublishedAt.Equal(v.PublishedAt) {
			t.Fatalf("video %d was published at %s again", v.ID, got.PublishedAt)
		}
	}
}

// Vote casts a vote.
func (m *model) Vote(t *rapid.T) { m.vote(t) }

// VoteAgain doubles the share of votes among the steps, so that there are more votes than withdrawals.
func (m *model) VoteAgain(t *rapid.T) { m.vote(t) }

func (m *model) vote(t *rapid.T) {
	v, voter := &m.videos[m.someVideo(t)], m.somePlayer(t, "voter")
	n, err := m.votes.CastVote(t.Context(), voter, v.ID, "")
	key := [2]int64{v.ID, voter.ID}
	_, has := m.given[key]
	_, void := m.aside[key]
	switch {
	case v.Status != contest.Public:
		wantErr(t, err, contest.ErrNoVideo)
	case void:
		wantErr(t, err, contest.ErrAlreadyVoted)
	case v.PlayerID == voter.ID:
		wantErr(t, err, contest.ErrOwnVideo)
	case has:
		wantErr(t, err, contest.ErrAlreadyVoted)
	default:
		check(t, err)
		v.Votes++
		m.given[key] = m.now
		if before, _, _ := m.stands(v.PlayerID, key); !m.now.After(before) {
			m.given[key] = before.Add(time.Microsecond) // each vote for a player has its own moment
		}
		wantVotes(t, n, v.Votes)
	}
}

// TakeBack withdraws a vote, which exists in most cases.
func (m *model) TakeBack(t *rapid.T) {
	v, voter := &m.videos[m.someVideo(t)], m.somePlayer(t, "voter")
	if votes := m.sortedVotes(); len(votes) > 0 && rapid.IntRange(0, 3).Draw(t, "one that is there") > 0 {
		key := rapid.SampledFrom(votes).Draw(t, "vote")
		v = &m.videos[slices.IndexFunc(m.videos, func(v contest.Video) bool { return v.ID == key[0] })]
		voter = m.players[slices.IndexFunc(m.players, func(p contest.Player) bool { return p.ID == key[1] })]
	}
	n, err := m.votes.WithdrawVote(t.Context(), voter, v.ID)
	key := [2]int64{v.ID, voter.ID}
	_, has := m.given[key]
	switch {
	case v.Status != contest.Public:
		wantErr(t, err, contest.ErrNoVideo)
	case !has:
		wantErr(t, err, contest.ErrNotVoted)
	default:
		check(t, err)
		v.Votes--
		delete(m.given, key)
		wantVotes(t, n, v.Votes)
	}
}

// Wait advances the clock by 0 to 3 µs, so that many actions share a moment.
func (m *model) Wait(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "microseconds")) * time.Microsecond)
}

// Check compares the ranking of one page size and one city with the model after every step.
func (m *model) Check(t *rapid.T) {
	m.trail++
	m.compare(t, 1+m.trail%7, asked[m.trail%len(asked)])
}

// full compares the rankings of all page sizes and cities, and all videos, with the model.
func (m *model) full(t *rapid.T) {
	for limit := 1; limit <= 7; limit++ {
		for _, city := range asked {
			m.compare(t, limit, city)
		}
	}
	m.w.agree(t)
	for _, v := range m.videos {
		got, err := m.w.VideoByID(t.Context(), v.ID)
		check(t, err)
		if diff := gocmp.Diff(v, got); diff != "" {
			t.Fatalf("video (-model +store):\n%s", diff)
		}
	}
}

// compare reads all pages of a ranking, up to the first empty one, and compares them with the model.
func (m *model) compare(t *rapid.T, limit int, city string) {
	t.Helper()
	got := []contest.Standing{}
	for page := 1; ; page++ {
		list, err := m.votes.RankingPage(t.Context(), contest.RankingQuery{Page: contest.Page{Number: page, Limit: limit}, City: city})
		check(t, err)
		if len(list) > limit {
			t.Fatalf("a page of %d has %d rows", limit, len(list))
		}
		got = append(got, list...)
		if len(list) == 0 {
			break
		}
	}
	if diff := gocmp.Diff(m.ranking(city), got); diff != "" {
		t.Fatalf("pages of %d in %q (-model +store):\n%s", limit, city, diff)
	}
}

// ranking computes the whole ranking as the rules define it.
func (m *model) ranking(city string) []contest.Standing {
	type entry struct {
		contest.Standing
		reached time.Time
	}
	var entries []entry
	for _, p := range m.players {
		if city != "" && cityNames[p.City] != cityNames[city] || city != "" && cityNames[city] == "" {
			continue
		}
		e := entry{Standing: contest.Standing{PlayerID: p.ID, Username: p.PublicName(), City: p.City}}
		var public bool
		e.reached, e.Votes, public = m.stands(p.ID, [2]int64{})
		if public {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(b.Votes, a.Votes), a.reached.Compare(b.reached), cmp.Compare(a.PlayerID, b.PlayerID))
	})
	list := []contest.Standing{}
	for i, e := range entries {
		e.Position = i + 1
		list = append(list, e.Standing)
	}
	return list
}

// stands returns a player's number of votes, without the vote but, the moment at which it was reached, and whether the
// player has a public video.
func (m *model) stands(player int64, but [2]int64) (reached time.Time, votes int, public bool) {
	var latest time.Time
	for _, v := range m.videos {
		if v.PlayerID != player || v.Status != contest.Public {
			continue
		}
		if !public || v.PublishedAt.Before(reached) {
			reached = v.PublishedAt
		}
		public = true
		for key, at := range m.given {
			if key[0] != v.ID || key == but {
				continue
			}
			votes++
			if at.After(latest) {
				latest = at
			}
		}
	}
	if votes > 0 {
		reached = latest
	}
	return reached, votes, public
}

func (m *model) sortedVotes() [][2]int64 {
	var keys [][2]int64
	for key := range m.given {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b [2]int64) int { return slices.Compare(a[:], b[:]) })
	return keys
}

func (m *model) somePlayer(t *rapid.T, label string) contest.Player {
	if len(m.players) == 0 {
		t.Skip("nobody there")
	}
	return m.players[rapid.IntRange(0, len(m.players)-1).Draw(t, label)]
}

func (m *model) someVideo(t *rapid.T) int {
	if len(m.videos) == 0 {
		t.Skip("no video there")
	}
	return rapid.IntRange(0, len(m.videos)-1).Draw(t, "video")
}

func wantErr(t *rapid.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func wantVotes(t *rapid.T, got, want int) {
	t.Helper()
	if got != want {
		t.Fatalf("got %d votes, want %d", got, want)
	}
}

// An example of the tie-break: of two players with the same number of votes, the one that reached it first is ahead,
// also after a vote is withdrawn.
func TestEqualVotesAreOrderedByWhoReachedThemFirst(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			ana, beto, caro := w.player(t, "ana", ""), w.player(t, "beto", ""), w.player(t, "caro", "")
			fans := []contest.Player{w.player(t, "f1", ""), w.player(t, "f2", "")}
			ofAna, ofBeto := w.public(t, ana, "a", at(0)), w.public(t, beto, "b", at(1))
			w.public(t, caro, "c", at(-10))
			vote := func(v contest.Video, fan contest.Player, second int) {
				t.Helper()
				_, err := w.AddVote(t.Context(), v.ID, fan.ID, at(second))
				check(t, err)
			}
			names := func() (names []string) {
				t.Helper()
				list, err := w.RankingPage(t.Context(), contest.RankingQuery{Page: contest.Page{Number: 1, Limit: 10}})
				check(t, err)
				for _, s := range list {
					names = append(names, fmt.Sprintf("%d %s %d", s.Position, s.Username, s.Votes))
				}
				return names
			}
			steps := []struct {
				what string
				do   func()
				want []string
			}{
				{"no votes: by first publication", func() {}, []string{"1 caro Ríos 0", "2 ana Ríos 0", "3 beto Ríos 0"}},
				{"beto first", func() { vote(ofBeto, fans[0], 1000); vote(ofAna, fans[0], 1001) }, []string{"1 beto Ríos 1", "2 ana Ríos 1", "3 caro Ríos 0"}},
				{"beto alone has two", func() { vote(ofBeto, fans[1], 1002) }, []string{"1 beto Ríos 2", "2 ana Ríos 1", "3 caro Ríos 0"}},
				{"beto's earlier vote goes: the later counts", func() { check(t, second(w.WithdrawVote(t.Context(), ofBeto.ID, fans[0].ID))) },
					[]string{"1 ana Ríos 1", "2 beto Ríos 1", "3 caro Ríos 0"}},
				{"none is left: by publication again", func() {
					check(t, second(w.WithdrawVote(t.Context(), ofBeto.ID, fans[1].ID)))
					check(t, second(w.WithdrawVote(t.Context(), ofAna.ID, fans[0].ID)))
				}, []string{"1 caro Ríos 0", "2 ana Ríos 0", "3 beto Ríos 0"}},
				{"a vote that was given earlier and arrives later", func() {
					vote(ofAna, fans[0], 2000)
					vote(ofAna, fans[1], 1500)
					vote(ofBeto, fans[0], 1700)
					vote(ofBeto, fans[1], 1900)
				},
					[]string{"1 beto Ríos 2", "2 ana Ríos 2", "3 caro Ríos 0"}},
			}
			for _, step := range steps {
				step.do()
				if diff := gocmp.Diff(step.want, names()); diff != "" {
					t.Errorf("%s (-want +got):\n%s", step.what, diff)
				}
			}
		})
	}
}

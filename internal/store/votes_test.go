package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
)

// agree checks that the votes, the counters of the videos and the standings have the same numbers.
func (w *world) agree(t tester) {
	t.Helper()
	for what, query := range map[string]string{
		"videos whose counter is not their votes": `SELECT count(*) FROM videos AS v
			WHERE v.votes <> (SELECT count(*) FROM votes WHERE video_id = v.id)`,
		"players whose place does not count all their votes": `SELECT count(*) FROM standings AS s
			WHERE s.votes <> (SELECT count(*) FROM votes JOIN videos ON videos.id = video_id WHERE videos.player_id = s.player_id)`,
		"votes entered for the wrong player": `SELECT count(*) FROM votes JOIN videos ON videos.id = video_id
			WHERE votes.player_id <> videos.player_id`,
		"places of players without a public video": `SELECT count(*) FROM standings AS s
			WHERE NOT EXISTS (SELECT 1 FROM videos WHERE player_id = s.player_id AND status = 'public')`,
		"players with a public video and no place": `SELECT count(DISTINCT player_id) FROM videos
			WHERE status = 'public' AND player_id NOT IN (SELECT player_id FROM standings)`,
		"votes that count and do not": `SELECT count(*) FROM votes AS v
			JOIN votes_set_aside AS a ON a.voter_id = v.voter_id AND a.video_id = v.video_id`,
		"votes for hidden videos that count": `SELECT count(*) FROM votes JOIN videos ON videos.id = video_id WHERE status <> 'public'`,
		"votes that are set aside for a video that is not hidden": `SELECT count(*) FROM votes_set_aside AS a
			JOIN videos ON videos.id = video_id WHERE a.why = 'hidden' AND videos.hidden = ''`,
		"public videos of an account that is shut": `SELECT count(*) FROM videos JOIN players AS p ON p.id = player_id
			WHERE status = 'public' AND p.shut_at IS NOT NULL`,
		"votes of a player at one moment": `SELECT count(*) FROM (
			SELECT player_id FROM votes GROUP BY player_id, voted_at HAVING count(*) > 1) AS t`,
		"places under another city than the player's": `SELECT count(*) FROM standings AS s
			JOIN players AS p ON p.id = s.player_id WHERE p.city_key <> s.city_key`,
		"cities whose public videos are not as many as is kept": `SELECT count(*) FROM (
				SELECT city_key, count(*) AS videos FROM videos WHERE status = 'public' GROUP BY city_key) AS there
			FULL JOIN public_counts AS kept ON kept.city_key = there.city_key
			WHERE kept.videos IS DISTINCT FROM there.videos`,
	} {
		if n := w.number(t, query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	sums := [3]int64{
		w.number(t, `SELECT count(*) FROM votes`),
		w.number(t, `SELECT COALESCE(sum(votes), 0) FROM videos`),
		w.number(t, `SELECT COALESCE(sum(votes), 0) FROM standings`),
	}
	if sums[0] != sums[1] || sums[0] != sums[2] {
		t.Errorf("votes, of videos, of players: %v", sums)
	}
}

func TestVotesCount(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			star := w.player(t, "ana", "")
			v := w.public(t, star, "Clavada", start)
			fans := []contest.Player{w.player(t, "beto", ""), w.player(t, "caro", "")}
			got := []int{}
			for i, fan := range fans {
				n, err := w.AddVote(t.Context(), v.ID, fan.ID, at(900+i))
				check(t, err)
				got = append(got, n)
			}
			n, err := w.WithdrawVote(t.Context(), v.ID, fans[0].ID)
			check(t, err)
			if diff := cmp.Diff([]int{1, 2, 1}, append(got, n)); diff != "" {
				t.Errorf("votes of the video (-want +got):\n%s", diff)
			}
			w.agree(t)
		})
	}
}

func TestVotesThatAreRefusedCountNothing(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			star, fan := w.player(t, "ana", ""), w.player(t, "beto", "")
			v := w.public(t, star, "Clavada", start)
			private := w.bring(t, w.upload(t, star, "Otra", start), contest.Processed)
			_, err := w.AddVote(t.Context(), v.ID, fan.ID, at(900))
			check(t, err)
			before := w.content(t)

			if n, err := w.AddVote(t.Context(), v.ID, fan.ID, at(901)); n != 0 || !errors.Is(err, contest.ErrAlreadyVoted) {
				t.Errorf("again: got %d, %v, want %v", n, err, contest.ErrAlreadyVoted)
			}
			if n, err := w.WithdrawVote(t.Context(), v.ID, star.ID); n != 0 || !errors.Is(err, contest.ErrNotVoted) {
				t.Errorf("not voted: got %d, %v, want %v", n, err, contest.ErrNotVoted)
			}
			if n, err := w.WithdrawVote(t.Context(), 99, fan.ID); n != 0 || !errors.Is(err, contest.ErrNotVoted) {
				t.Errorf("no video: got %d, %v, want %v", n, err, contest.ErrNotVoted)
			}
			for _, id := range []int64{private.ID, 99} {
				if n, err := w.AddVote(t.Context(), id, fan.ID, at(902)); n != 0 || err == nil {
					t.Errorf("video %d, which is not public: got %d, %v", id, n, err)
				}
			}
			if _, err := w.AddVote(t.Context(), v.ID, 99, at(903)); err == nil {
				t.Error("nobody can vote")
			}
			if diff := cmp.Diff(before, w.content(t)); diff != "" {
				t.Errorf("something changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestOneVotePerPersonAndVideoWhateverRaces(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			star, fan := w.player(t, "ana", ""), w.player(t, "beto", "")
			v := w.public(t, star, "Clavada", start)

			errs := atOnce(50, func(i int) error { return second(w.AddVote(t.Context(), v.ID, fan.ID, at(900+i))) })

			if n := succeeded(t, errs, contest.ErrAlreadyVoted); n != 1 {
				t.Errorf("%d votes were accepted", n)
			}
			if n := w.number(t, `SELECT count(*) FROM votes`); n != 1 {
				t.Errorf("%d votes are there", n)
			}
			w.agree(t)

			errs = atOnce(50, func(int) error { return second(w.WithdrawVote(t.Context(), v.ID, fan.ID)) })

			if n := succeeded(t, errs, contest.ErrNotVoted); n != 1 {
				t.Errorf("the vote was taken back %d times", n)
			}
			w.agree(t)
		})
	}
}

func TestManyVoteForOneStarAtOnce(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			star := w.player(t, "ana", "")
			videos := []contest.Video{w.public(t, star, "1", at(0)), w.public(t, star, "2", at(1))}
			fans := make([]contest.Player, 40)
			for i := range fans {
				fans[i] = w.player(t, fmt.Sprintf("fan%d", i), "")
			}

			errs := atOnce(2*len(fans), func(i int) error {
				return second(w.AddVote(t.Context(), videos[i%2].ID, fans[i/2].ID, at(900+i)))
			})

			if n := succeeded(t, errs, nil); n != 2*len(fans) {
				t.Errorf("%d votes were accepted, want %d", n, 2*len(fans))
			}
			ranking, err := w.RankingPage(t.Context(), contest.RankingQuery{Page: contest.Page{Number: 1, Limit: 10}})
			check(t, err)
			want := []contest.Standing{{Position: 1, PlayerID: star.ID, Username: "ana Ríos", Votes: 80}}
			if diff := cmp.Diff(want, ranking); diff != "" {
				t.Errorf("ranking (-want +got):\n%s", diff)
			}
			w.agree(t)
		})
	}
}

func TestVotesAndTakingBackRace(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			star := w.player(t, "ana", "")
			v := w.public(t, star, "1", start)
			fans := make([]contest.Player, 8)
			for i := range fans {
				fans[i] = w.player(t, fmt.Sprintf("fan%d", i), "")
			}
			// Each fan votes and withdraws concurrently. Either may come last, but the counters must agree.
			given, taken := make([]int, 2*len(fans)), make([]int, 2*len(fans))
			errs := atOnce(2*len(fans), func(i int) error {
				fan := fans[i/2]
				for round := range 8 {
					if _, err := w.AddVote(t.Context(), v.ID, fan.ID, at(900+round)); err == nil {
						given[i]++
					} else if !errors.Is(err, contest.ErrAlreadyVoted) {
						return err
					}
					if _, err := w.WithdrawVote(t.Context(), v.ID, fan.ID); err == nil {
						taken[i]++
					} else if !errors.Is(err, contest.ErrNotVoted) {
						return err
					}
				}
				return nil
			})
			for _, err := range errs {
				check(t, err)
			}
			for i := range fans {
				left := given[2*i] + given[2*i+1] - taken[2*i] - taken[2*i+1]
				n := w.number(t, `SELECT count(*) FROM votes WHERE voter_id = $1`, fans[i].ID)
				if int64(left) != n {
					t.Errorf("fan %d: %d votes given and not taken back, %d are there", i, left, n)
				}
			}
			w.agree(t)
		})
	}
}

// After any sequence of casting and withdrawing, with clocks that differ, a player's standing has the moment of its
// latest vote, and no tombstone is left that is of no use.
func TestTheMomentAVoteWasReached(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			star := w.player(t, "ana", "")
			v := w.public(t, star, "Clavada", start)
			begin := w.reached(t, star)
			fans := make([]int64, 6)
			for i := range fans {
				fans[i] = w.player(t, fmt.Sprint("fan", i), "").ID
			}
			random := rand.New(rand.NewPCG(1, 2))
			voted := map[int64]bool{}
			for move := range 300 {
				fan := fans[random.IntN(len(fans))]
				if voted[fan] {
					check(t, second(w.WithdrawVote(t.Context(), v.ID, fan)))
				} else { // half of the moments are not later than the one before
					check(t, second(w.AddVote(t.Context(), v.ID, fan, at(1000+random.IntN(20)))))
				}
				voted[fan] = !voted[fan]

				latest := begin
				if w.number(t, `SELECT count(*) FROM votes`) > 0 {
					latest = moment(selected(t, w.db.Readers, `SELECT max(voted_at) FROM votes`)[0][0])
				}
				if got := w.reached(t, star); got != latest {
					t.Fatalf("after move %d the player stands at %s, and the latest vote is of %s", move, got, latest)
				}
			}
			for fan, is := range voted {
				if is {
					check(t, second(w.WithdrawVote(t.Context(), v.ID, fan)))
				}
			}
			if n := w.number(t, `SELECT count(*) FROM votes_taken_back`); n != 0 || w.reached(t, star) != begin {
				t.Errorf("with all votes taken back there are %d links, and the player stands at %s", n, w.reached(t, star))
			}
			w.agree(t)
		})
	}
}

func (w *world) reached(t tester, p contest.Player) any {
	t.Helper()
	return moment(selected(t, w.db.Readers, fmt.Sprintf(`SELECT reached_at FROM standings WHERE player_id = %d`, p.ID))[0][0])
}

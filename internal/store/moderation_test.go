package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"risingstars/internal/contest"
)

var decision = contest.Decision{By: "alba", Reason: "bought", At: at(5000)}

// While fans vote for two videos of a player, take votes back, and leave, organizers hide and show one, shut and open the account,
// and void and restore votes. Whatever the order, afterwards all counts are of votes that count, and nobody's vote is lost.
func TestOrganizersAndFansAtOnce(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			ana := w.player(t, "ana", "")
			videos := []contest.Video{w.public(t, ana, "a", at(0)), w.public(t, ana, "b", at(1))}
			const fans, turns = 8, 12
			var everybody sync.WaitGroup
			for i := range int64(fans) {
				fan := w.player(t, fmt.Sprintf("f%d", i), "")
				everybody.Go(func() {
					for turn := range turns {
						v := videos[(int(i)+turn)%2]
						_, err := w.AddVote(context.Background(), v.ID, fan.ID, time.Now())
						expect(t, err, contest.ErrNoVideo, contest.ErrAlreadyVoted)
						if turn%3 == 2 {
							_, err := w.RemoveVote(context.Background(), v.ID, fan.ID)
							expect(t, err, contest.ErrNotVoted)
						}
					}
					if i == 0 {
						_, err := w.DeletePlayer(context.Background(), fan.ID, time.Now())
						expect(t, err)
					}
				})
			}
			everybody.Go(func() {
				for range turns {
					_, err := w.HideVideo(context.Background(), videos[0].ID, decision)
					expect(t, err, contest.ErrHidden)
					_, err = w.ShutAccount(context.Background(), ana.ID, decision)
					expect(t, err)
					_, err = w.OpenAccount(context.Background(), ana.ID, decision)
					expect(t, err)
					_, err = w.ShowVideo(context.Background(), videos[0].ID, decision)
					expect(t, err)
				}
			})
			everybody.Go(func() {
				for turn := range turns {
					q := contest.Selection{VoterID: ana.ID + 1 + int64(turn%fans)}
					_, err := w.VoidVotes(context.Background(), q, decision)
					expect(t, err)
					_, err = w.RestoreVotes(context.Background(), q, decision)
					expect(t, err)
				}
			})
			everybody.Wait()
			w.agree(t)
			if n := w.number(t, `SELECT count(*) FROM votes_set_aside`); n != 0 {
				t.Errorf("%d votes are still set aside", n)
			}
			if n := w.number(t, `SELECT count(*) FROM votes WHERE voter_id NOT IN (SELECT id FROM players)`); n != 0 {
				t.Errorf("%d votes are of somebody who has left", n)
			}
		})
	}
}

func expect(t *testing.T, err error, refusals ...error) {
	t.Helper()
	for _, refusal := range refusals {
		if errors.Is(err, refusal) {
			return
		}
	}
	if err != nil {
		t.Errorf("got %v", err)
	}
}

// An account that goes takes along the votes that do not count: those that it gave, and those for it.
func TestDeletePlayerTakesVotesThatAreSetAside(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			ana, beto, fan := w.player(t, "ana", ""), w.player(t, "beto", ""), w.player(t, "fan", "")
			for _, v := range []contest.Video{w.public(t, ana, "a", at(0)), w.public(t, beto, "b", at(1))} {
				for _, voter := range []contest.Player{beto, fan} {
					_, err := w.AddVote(t.Context(), v.ID, voter.ID, at(1000))
					expect(t, err, contest.ErrOwnVideo)
				}
				_, err := w.HideVideo(t.Context(), v.ID, decision)
				check(t, err)
			}
			left := func() int64 { return w.number(t, `SELECT count(*) FROM votes_set_aside`) }
			if n := left(); n != 3 {
				t.Fatalf("%d votes are set aside, want 3", n)
			}
			_, err := w.DeletePlayer(t.Context(), fan.ID, at(2000))
			check(t, err)
			if n := left(); n != 1 {
				t.Errorf("%d are left by a voter, want 1", n)
			}
			_, err = w.DeletePlayer(t.Context(), ana.ID, at(2000))
			check(t, err)
			if n := left(); n != 0 {
				t.Errorf("%d are left by a player", n)
			}
		})
	}
}

// Votes of a cluster are those that votes suspicious lists, of young accounts alone if asked for.
func TestVoidACluster(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			ana := w.player(t, "ana", "")
			v := w.public(t, ana, "a", at(0))
			for i, from := range []contest.Signal{
				{Origin: "school", VoterAge: time.Minute}, {Origin: "school", VoterAge: 2 * time.Minute},
				{Origin: "school", VoterAge: 48 * time.Hour}, {Origin: "home", VoterAge: time.Minute}, contest.NoSignal,
			} {
				_, err := w.AddVoteFrom(t.Context(), v.ID, w.player(t, fmt.Sprintf("f%d", i), "").ID, at(1000+i), from)
				check(t, err)
			}
			clusters := func() []contest.Cluster {
				list, err := w.Clusters(t.Context(), contest.ClustersQuery{Since: start, Young: time.Hour, Least: 2, Limit: 10})
				check(t, err)
				return list
			}
			found := clusters()
			if len(found) != 1 || found[0].Origin != "school" {
				t.Fatalf("got %+v", found)
			}
			q := contest.Selection{PlayerID: found[0].PlayerID, Origin: found[0].Origin, Young: time.Hour}

			effects, err := w.VoidVotes(t.Context(), q, decision)
			check(t, err)

			if len(effects) != 1 || effects[0].Votes != 2 || effects[0].After.Votes != 3 {
				t.Errorf("got %+v", effects)
			}
			if left := clusters(); len(left) != 0 {
				t.Errorf("it is still there: %+v", left)
			}
			w.agree(t)
		})
	}
}

package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
	"risingstars/internal/live"
)

var decision = contest.Decision{By: "alba", Reason: "bought", At: at(5000)}

// organizers returns the moderation service on the world's store.
func (w *world) organizers(clock contest.Clock) *contest.Moderation {
	return &contest.Moderation{Store: w.Store, Live: live.NewLocal(time.Now), Clock: clock}
}

// While fans vote for two videos of a player, withdraw votes and delete their accounts, and the player publishes more,
// staff hide and unhide one video, suspend and reinstate the account, and void and reinstate votes. In any order, all
// counters afterwards agree with the votes that count, and no vote is lost. A suspended account has no public video.
func TestOrganizersAndFansAtOnce(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			ana := w.player(t, "ana", "")
			videos := []contest.Video{w.public(t, ana, "a", at(0)), w.public(t, ana, "b", at(1))}
			const fans, turns = 8, 12
			var drafts []contest.Video
			for i := range turns {
				drafts = append(drafts, w.bring(t, w.upload(t, ana, "c", at(2+i)), contest.Processed))
			}
			var everybody sync.WaitGroup
			everybody.Go(func() {
				for turn := range 4 * turns {
					_, err := w.PublishVideo(context.Background(), drafts[turn%turns].ID, time.Now())
					expect(t, err, contest.ErrAccountSuspended)
				}
			})
			for i := range int64(fans) {
				fan := w.player(t, fmt.Sprintf("f%d", i), "")
				everybody.Go(func() {
					for turn := range turns {
						v := videos[(int(i)+turn)%2]
						_, err := w.AddVote(context.Background(), v.ID, fan.ID, time.Now())
						expect(t, err, contest.ErrNoVideo, contest.ErrAlreadyVoted)
						if turn%3 == 2 {
							_, err := w.WithdrawVote(context.Background(), v.ID, fan.ID)
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
					_, err = w.SuspendAccount(context.Background(), ana.ID, decision)
					expect(t, err)
					list, err := w.VideosOfPlayer(context.Background(), ana.ID)
					expect(t, err)
					if slices.ContainsFunc(list, func(v contest.Video) bool { return v.Status == contest.Public }) {
						t.Error("an account that is shut has a public video")
					}
					_, err = w.ReinstateAccount(context.Background(), ana.ID, decision)
					expect(t, err)
					_, err = w.UnhideVideo(context.Background(), videos[0].ID, decision)
					expect(t, err)
				}
			})
			everybody.Go(func() {
				m := w.organizers(time.Now)
				for turn := range turns {
					q := contest.VoteSelection{VoterID: ana.ID + 1 + int64(turn%fans)}
					_, err := m.VoidVotes(context.Background(), q, decision)
					expect(t, err)
					_, err = m.ReinstateVotes(context.Background(), q, decision)
					expect(t, err)
				}
			})
			everybody.Wait()
			w.agree(t)
			if n := w.number(t, `SELECT count(*) FROM votes_set_aside`); n != 0 {
				t.Errorf("%d votes are still set aside", n)
			}
			if n := w.number(t, `SELECT count(*) FROM votes WHERE voter_id NOT IN (SELECT id FROM players)`); n != 0 {
				t.Errorf("%d votes are of a deleted account", n)
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

// Deleting an account deletes the votes that do not count: those that it has cast, and those for it.
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

// The votes that a cluster selects are those that FindVoteClusters lists, or only those of young accounts.
func TestVoidACluster(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			ana := w.player(t, "ana", "")
			v := w.public(t, ana, "a", at(0))
			for i, from := range []contest.VoteSignal{
				{Origin: "school", VoterAge: time.Minute}, {Origin: "school", VoterAge: 2 * time.Minute},
				{Origin: "school", VoterAge: 48 * time.Hour}, {Origin: "home", VoterAge: time.Minute}, contest.UnknownVoteSignal,
			} {
				_, err := w.CastVote(t.Context(), v.ID, w.player(t, fmt.Sprintf("f%d", i), "").ID, at(1000+i), from)
				check(t, err)
			}
			clusters := func() []contest.VoteCluster {
				list, err := w.FindVoteClusters(t.Context(), contest.VoteClusterQuery{Since: start, YoungBelow: time.Hour, MinYoungVotes: 2, Limit: 10})
				check(t, err)
				return list
			}
			found := clusters()
			if len(found) != 1 || found[0].Origin != "school" {
				t.Fatalf("got %+v", found)
			}
			q := contest.VoteSelection{PlayerID: found[0].PlayerID, Origin: found[0].Origin, Young: time.Hour}

			effects, err := w.organizers(time.Now).VoidVotes(t.Context(), q, decision)
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

// A suspended account cannot add anything. Requests that were authenticated before the suspension are refused too.
func TestShutAccountAddsNothing(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		ana := w.player(t, "ana", "")
		draft := w.bring(t, w.upload(t, ana, "a", at(0)), contest.Processed)
		upload := contest.PartialUpload{ID: "x", PlayerID: ana.ID, Title: "b", Size: 1, ExpiresAt: time.Now().Add(time.Hour)}
		check(t, w.AddUpload(t.Context(), upload))
		_, err := w.SuspendAccount(t.Context(), ana.ID, decision)
		check(t, err)
		another := upload
		another.ID = "y"

		_, publish := w.PublishVideo(t.Context(), draft.ID, at(100))
		_, add := w.AddVideo(t.Context(), video(ana, "b", at(100)))
		_, from := w.AddVideoFromPartialUpload(t.Context(), video(ana, "b", at(100)), upload.ID)

		for what, err := range map[string]error{
			"publish": publish, "add": add, "finish an upload": from, "begin an upload": w.AddUpload(t.Context(), another),
		} {
			if !errors.Is(err, contest.ErrAccountSuspended) {
				t.Errorf("%s: got %v", what, err)
			}
		}
		w.agree(t)
		_, err = w.ReinstateAccount(t.Context(), ana.ID, decision)
		check(t, err)
		_, err = w.PublishVideo(t.Context(), draft.ID, at(200))
		check(t, err)
	})
}

// During an update an older program, without votes_set_aside, may run beside this one. It lets voters cast a void vote
// again, deletes hidden videos, and keeps the votes of deleted accounts. Decisions must still work then, and the
// counters must agree with the votes that count.
func TestDecisionsAfterAnOlderProgram(t *testing.T) {
	t.Parallel()
	again := func(t *testing.T, w *world, v contest.Video, fan contest.Player) {
		t.Helper()
		w.exec(t, `INSERT INTO votes SELECT voter_id, video_id, player_id, voted_at, voted_at, origin, voter_age FROM votes_set_aside
			WHERE voter_id = $1 AND video_id = $2`, fan.ID, v.ID)
		w.exec(t, `UPDATE videos SET votes = votes + 1 WHERE id = $1`, v.ID)
		w.exec(t, `UPDATE standings SET votes = votes + 1 WHERE player_id = $1`, v.PlayerID)
	}
	for name, test := range map[string]struct {
		do          func(t *testing.T, w *world, m *contest.Moderation, v contest.Video, fan contest.Player) error
		votes, void int64
	}{
		"given again, and restored": {func(t *testing.T, w *world, m *contest.Moderation, v contest.Video, fan contest.Player) error {
			t.Helper()
			again(t, w, v, fan)
			return second(m.ReinstateVotes(t.Context(), contest.VoteSelection{VoterID: fan.ID}, decision))
		}, 2, 0},
		"given again, and void again": {func(t *testing.T, w *world, m *contest.Moderation, v contest.Video, fan contest.Player) error {
			t.Helper()
			again(t, w, v, fan)
			return second(m.VoidVotes(t.Context(), contest.VoteSelection{VoterID: fan.ID}, decision))
		}, 1, 1},
		"given again, and void with its cluster": {func(t *testing.T, w *world, m *contest.Moderation, v contest.Video, fan contest.Player) error {
			t.Helper()
			again(t, w, v, fan)
			return second(m.VoidVotes(t.Context(), contest.VoteSelection{VideoID: v.ID, Origin: "school"}, decision))
		}, 1, 1},
		"given again, hidden and shown": {func(t *testing.T, w *world, m *contest.Moderation, v contest.Video, fan contest.Player) error {
			t.Helper()
			again(t, w, v, fan)
			return errors.Join(second(m.HideVideo(t.Context(), v.ID, decision)), second(m.UnhideVideo(t.Context(), v.ID, decision)))
		}, 1, 1},
		"a voter who has left": {func(t *testing.T, w *world, m *contest.Moderation, v contest.Video, fan contest.Player) error {
			t.Helper()
			check(t, second(m.HideVideo(t.Context(), v.ID, decision)))
			w.exec(t, `UPDATE votes_set_aside SET why = 'hidden'`)
			w.exec(t, `DELETE FROM players WHERE id = $1`, fan.ID)
			return second(m.UnhideVideo(t.Context(), v.ID, decision))
		}, 1, 0},
		"a hidden video that is deleted": {func(t *testing.T, w *world, m *contest.Moderation, v contest.Video, fan contest.Player) error {
			t.Helper()
			check(t, second(m.HideVideo(t.Context(), v.ID, decision)))
			w.exec(t, `DELETE FROM videos WHERE id = $1`, v.ID)
			return second(m.ReinstateVotes(t.Context(), contest.VoteSelection{VoterID: fan.ID}, decision))
		}, 0, 1},
		"a star who has left": {func(t *testing.T, w *world, m *contest.Moderation, v contest.Video, fan contest.Player) error {
			t.Helper()
			check(t, second(m.HideVideo(t.Context(), v.ID, decision)))
			w.exec(t, `DELETE FROM videos WHERE player_id = $1`, v.PlayerID)
			w.exec(t, `DELETE FROM players WHERE id = $1`, v.PlayerID)
			return second(m.ReinstateVotes(t.Context(), contest.VoteSelection{VoterID: fan.ID}, decision))
		}, 0, 1},
		"a hidden video that is published": {func(t *testing.T, w *world, m *contest.Moderation, v contest.Video, _ contest.Player) error {
			t.Helper()
			check(t, second(m.HideVideo(t.Context(), v.ID, decision)))
			_, err := w.db.Writer.ExecContext(t.Context(), `UPDATE videos SET status = 'public' WHERE id = $1`, v.ID)
			if err == nil {
				t.Error("it is public, and hidden")
			}
			return second(m.UnhideVideo(t.Context(), v.ID, decision))
		}, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEngines(t, func(t *testing.T, w *world) {
				t.Helper()
				ana, fan, other := w.player(t, "ana", ""), w.player(t, "fan", ""), w.player(t, "other", "")
				v := w.public(t, ana, "a", at(0))
				check(t, second(w.CastVote(t.Context(), v.ID, fan.ID, at(1000), contest.VoteSignal{Origin: "school"})))
				check(t, second(w.AddVote(t.Context(), v.ID, other.ID, at(1001))))
				m := w.organizers(time.Now)
				check(t, second(m.VoidVotes(t.Context(), contest.VoteSelection{VoterID: fan.ID}, decision)))

				check(t, test.do(t, w, m, v, fan))

				got := []int64{
					w.number(t, `SELECT count(*) FROM votes`),
					w.number(t, `SELECT count(*) FROM votes_set_aside WHERE why = 'void'`),
				}
				if diff := cmp.Diff([]int64{test.votes, test.void}, got); diff != "" {
					t.Errorf("votes that count, and that are void (-want +got):\n%s", diff)
				}
				w.agree(t)
			})
		})
	}
}

// Voiding one account's votes does not scan the other votes.
func TestVoidVotesOfAVoterReadsNoOthers(t *testing.T) {
	t.Parallel()
	s, taken, plan := planned(t)
	players, err := s.PlayersVotedFor(t.Context(), contest.VoteSelection{VoterID: 2}, false)
	check(t, err)
	if diff := cmp.Diff([]int64{1}, players); diff != "" {
		t.Fatalf("players (-want +got):\n%s", diff)
	}

	e, err := s.VoidVotes(t.Context(), contest.VoteSelection{VoterID: 2, PlayerID: 1}, decision)

	check(t, err)
	if e.Votes != 1 || e.After.Votes != 0 {
		t.Errorf("got %+v", e)
	}
	for _, statement := range taken.list() {
		for _, step := range plan(statement) {
			if strings.HasPrefix(step, "SCAN votes") {
				t.Errorf("%s\n%s", step, statement.text)
			}
		}
	}
}

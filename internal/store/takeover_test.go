package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river/rivertype"

	"risingstars/internal/contest"
)

// running starts the video's job as the queue does, and gives the run the lease.
func (w *world) running(t *testing.T, v contest.Video, holder string) contest.JobRun {
	t.Helper()
	r := contest.JobRun{VideoID: v.ID, TaskID: v.TaskID, HolderID: holder}
	w.exec(t, `UPDATE river_job SET state = 'running', attempt = attempt + 1 WHERE id = CAST($1 AS BIGINT)`, v.TaskID)
	check(t, second(w.BeginProcessing(t.Context(), r)))
	return r
}

// successor returns the video with the job that it has now.
func (w *world) successor(t *testing.T, v contest.Video) contest.Video {
	t.Helper()
	now, err := w.VideoByID(t.Context(), v.ID)
	check(t, err)
	return now
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			v := w.upload(t, w.player(t, "ana", ""), "Clavada", start)
			dead := w.running(t, v, "dead")
			seen, err := w.Held(t.Context())
			check(t, err)
			if diff := cmp.Diff([]contest.RunningJob{{JobRun: dead, Attempt: 1, Heartbeat: 1}}, seen); diff != "" {
				t.Fatalf("held (-want +got):\n%s", diff)
			}

			check(t, w.Beat(t.Context(), dead, 40))
			if err := w.TakeOver(t.Context(), seen[0]); !errors.Is(err, contest.ErrNothingToDo) {
				t.Errorf("one that lives was taken over: %v", err)
			}
			kept, err := w.VideoByID(t.Context(), v.ID)
			check(t, err)
			if kept.Progress != 40 {
				t.Errorf("progress: got %d", kept.Progress)
			}

			seen, err = w.Held(t.Context())
			check(t, err)
			check(t, w.TakeOver(t.Context(), seen[0]))
			old, next := w.job(t, v.TaskID), w.successor(t, v)
			if old.State != rivertype.JobStateCancelled || old.FinalizedAt == nil {
				t.Errorf("the old job is %s", old.State)
			}
			if job := w.job(t, next.TaskID); job.State != rivertype.JobStateAvailable || job.Attempt != 0 || !job.ScheduledAt.Equal(old.ScheduledAt) {
				t.Errorf("the new job is %s with %d attempts, due at %s after %s", job.State, job.Attempt, job.ScheduledAt, old.ScheduledAt)
			}
			if err := w.TakeOver(t.Context(), seen[0]); !errors.Is(err, contest.ErrNothingToDo) {
				t.Errorf("taken over twice: %v", err)
			}

			for name, err := range map[string]error{
				"begin": second(w.BeginProcessing(t.Context(), dead)),
				"fail":  second(w.FailProcessing(t.Context(), dead, contest.FailedInternal, mustNotRun(t))),
			} {
				if !errors.Is(err, contest.ErrNothingToDo) {
					t.Errorf("%s by the dead before anybody else: %v", name, err)
				}
			}
			alive := w.running(t, next, "alive")
			for name, err := range map[string]error{
				"beat":   w.Beat(t.Context(), dead, 50),
				"finish": second(w.FinishProcessing(t.Context(), dead, contest.NewMediaToken(), at(9), mustNotRun(t))),
				"fail":   second(w.FailProcessing(t.Context(), dead, contest.FailedInternal, mustNotRun(t))),
			} {
				if !errors.Is(err, contest.ErrNothingToDo) {
					t.Errorf("%s by the dead: %v", name, err)
				}
			}
			check(t, w.Beat(t.Context(), alive, 60))
			check(t, second(w.FinishProcessing(t.Context(), alive, contest.NewMediaToken(), at(9), nothingElse)))
		})
	}
}

// A job whose worker died before it began is taken over too. A job that kills its workers runs out of attempts in the
// end.
func TestTakeOverGivesAttemptsBackTwentyTimes(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			v := w.upload(t, w.player(t, "ana", ""), "Clavada", start)
			got := []int{}
			for range 22 {
				w.exec(t, `UPDATE river_job SET state = 'running', attempt = attempt + 1 WHERE state = 'available'`)
				seen, err := w.Held(t.Context())
				check(t, err)
				check(t, w.TakeOver(t.Context(), seen[0]))
				got = append(got, w.job(t, w.successor(t, v).TaskID).Attempt)
			}
			if diff := cmp.Diff(append(make([]int, 20), 1, 2), got); diff != "" {
				t.Errorf("attempts used (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFairTurns(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			busy, shy := w.player(t, "ana", ""), w.player(t, "beto", "")
			turns := []int{}
			for i := range 12 {
				turns = append(turns, w.job(t, w.upload(t, busy, "Clavada", at(i)).TaskID).Priority)
			}
			turns = append(turns, w.job(t, w.upload(t, shy, "Triple", at(60)).TaskID).Priority)
			want := []int{1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 4, 4, 1}
			if diff := cmp.Diff(want, turns); diff != "" {
				t.Errorf("turns (-want +got):\n%s", diff)
			}

			none, err := w.Promote(t.Context(), time.Now().Add(-time.Hour))
			check(t, err)
			all, err := w.Promote(t.Context(), time.Now().Add(time.Hour))
			check(t, err)
			if diff := cmp.Diff([]int64{0, 11}, []int64{none, all}); diff != "" {
				t.Errorf("promoted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIdentityIsGivenOnce(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			ids := make([]string, 8)
			check(t, errors.Join(atOnce(len(ids), func(i int) (err error) {
				ids[i], err = w.Identity(t.Context())
				return err
			})...))
			for _, id := range ids {
				if id != ids[0] || len(id) != 32 {
					t.Errorf("got %q beside %q", id, ids[0])
				}
			}
		})
	}
}

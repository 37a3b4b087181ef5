package store_test

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river/rivertype"

	"risingstars/internal/contest"
)

func nothingToDo(statuses ...contest.Status) map[contest.Status]error {
	wrong := map[contest.Status]error{}
	for _, s := range statuses {
		wrong[s] = contest.ErrNothingToDo
	}
	return wrong
}

// mustNotRun returns a complete function that must not be called, because the run has nothing to do.
func mustNotRun(t *testing.T) func(*sql.Tx) error {
	t.Helper()
	return func(*sql.Tx) error {
		t.Error("the queue was told to complete the job")
		return nil
	}
}

func TestProcessing(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			v := w.upload(t, w.player(t, "ana", ""), "Clavada", start)
			want := v
			want.Status = contest.Processing
			for range 2 { // the second time, the job is retried
				got, err := w.BeginProcessing(t.Context(), runOf(v))
				check(t, err)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("begun (-want +got):\n%s", diff)
				}
			}

			run := contest.NewMediaToken()
			got, err := w.FinishProcessing(t.Context(), runOf(v), run, at(60), nothingElse)
			check(t, err)

			want.Status, want.Media.Run, want.ProcessedAt = contest.Processed, run, at(60)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("finished (-want +got):\n%s", diff)
			}
			kept, err := w.VideoByID(t.Context(), v.ID)
			check(t, err)
			if diff := cmp.Diff(want, kept); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFailProcessing(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "ana", "")
			for _, from := range []contest.Status{contest.Uploaded, contest.Processing} {
				v := w.bring(t, w.upload(t, p, "Clavada", start), from)

				got, err := w.FailProcessing(t.Context(), runOf(v), contest.FailedTimeout, nothingElse)
				check(t, err)

				want := v
				want.Status, want.Failure = contest.Failed, contest.FailedTimeout
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("from %s (-want +got):\n%s", from, diff)
				}
			}
		})
	}
}

func TestATaskThatTheVideoNoLongerHasChangesNothing(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "ana", "")
			v := w.upload(t, p, "Clavada", start)
			check(t, w.Restart(t.Context(), v.ID, v.TaskID)) // the video has another job from here on
			other := w.upload(t, p, "Otra", start)
			now, err := w.VideoByID(t.Context(), v.ID)
			check(t, err)
			w.bring(t, now, contest.Processing)
			before := w.content(t)
			for name, task := range map[string]string{"stale": v.TaskID, "another video's": other.TaskID, "none": "", "nonsense": "x"} {
				for call, err := range map[string]error{
					"begin":   second(w.BeginProcessing(t.Context(), contest.JobRun{VideoID: v.ID, TaskID: task, HolderID: holder})),
					"finish":  second(w.FinishProcessing(t.Context(), contest.JobRun{VideoID: v.ID, TaskID: task, HolderID: holder}, contest.NewMediaToken(), at(9), mustNotRun(t))),
					"fail":    second(w.FailProcessing(t.Context(), contest.JobRun{VideoID: v.ID, TaskID: task, HolderID: holder}, contest.FailedTimeout, mustNotRun(t))),
					"restart": w.Restart(t.Context(), v.ID, task),
				} {
					if !errors.Is(err, contest.ErrNothingToDo) {
						t.Errorf("%s task, %s: got %v, want %v", name, call, err, contest.ErrNothingToDo)
					}
				}
			}
			if diff := cmp.Diff(before, w.content(t)); diff != "" {
				t.Errorf("something changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestOneOfManyRunsFinishes(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			v := w.bring(t, w.upload(t, w.player(t, "ana", ""), "Clavada", start), contest.Processing)
			runs := make([]string, 10)
			errs := atOnce(len(runs), func(i int) error {
				runs[i] = contest.NewMediaToken()
				return second(w.FinishProcessing(t.Context(), runOf(v), runs[i], at(i), nothingElse))
			})
			if n := succeeded(t, errs, contest.ErrNothingToDo); n != 1 {
				t.Errorf("%d runs have finished", n)
			}
			got, err := w.VideoByID(t.Context(), v.ID)
			check(t, err)
			for i, err := range errs {
				if (err == nil) != (got.Media.Run == runs[i]) {
					t.Errorf("run %d: %v, and the video has %s", i, err, got.Media.Run)
				}
			}
		})
	}
}

// The video's new status and the end of its job are committed together or not at all.
func TestSettlingAndTheQueueAreOneTransaction(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			v := w.bring(t, w.upload(t, w.player(t, "ana", ""), "Clavada", start), contest.Processing)
			before := w.content(t)
			cancelJob := func(tx *sql.Tx) error {
				_, err := tx.ExecContext(t.Context(), `UPDATE river_job SET state = 'cancelled', finalized_at = scheduled_at`)
				return err
			}
			thenBreak := func(tx *sql.Tx) error { return errors.Join(cancelJob(tx), errBroken) }

			if _, err := w.FinishProcessing(t.Context(), runOf(v), contest.NewMediaToken(), at(9), thenBreak); !errors.Is(err, errBroken) {
				t.Errorf("finish: got %v, want %v", err, errBroken)
			}
			if _, err := w.FailProcessing(t.Context(), runOf(v), contest.FailedInternal, thenBreak); !errors.Is(err, errBroken) {
				t.Errorf("fail: got %v, want %v", err, errBroken)
			}
			if diff := cmp.Diff(before, w.content(t)); diff != "" {
				t.Errorf("something stays (-before +after):\n%s", diff)
			}

			_, err := w.FinishProcessing(t.Context(), runOf(v), contest.NewMediaToken(), at(9), cancelJob)
			check(t, err)
			if state := w.job(t, v.TaskID).State; state != rivertype.JobStateCancelled {
				t.Errorf("got job state %s", state)
			}
		})
	}
}

func TestUnfinishedAndFailed(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "ana", "")
			late := w.upload(t, p, "late", at(10))
			early := w.bring(t, w.upload(t, p, "early", at(1)), contest.Processing)
			w.upload(t, p, "too young", at(20))
			w.bring(t, w.upload(t, p, "processed", at(1)), contest.Processed)
			w.public(t, p, "public", at(1))
			failedLate := w.bring(t, w.upload(t, p, "failed late", at(30)), contest.Failed)
			failedEarly := w.bring(t, w.upload(t, p, "failed early", at(2)), contest.Failed)
			failedSame := w.bring(t, w.upload(t, p, "failed at the same time", at(2)), contest.Failed)

			unfinished, err := w.Unfinished(t.Context(), at(20))
			check(t, err)
			if diff := cmp.Diff([]contest.Video{early, late}, unfinished); diff != "" {
				t.Errorf("unfinished (-want +got):\n%s", diff)
			}
			failed, err := w.Failed(t.Context(), contest.Video{}, 10)
			check(t, err)
			if diff := cmp.Diff([]contest.Video{failedEarly, failedSame, failedLate}, failed); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			failed, err = w.Failed(t.Context(), failedEarly, 1)
			check(t, err)
			if diff := cmp.Diff([]contest.Video{failedSame}, failed); diff != "" {
				t.Errorf("the next that failed (-want +got):\n%s", diff)
			}
			n, err := w.CountFailed(t.Context())
			check(t, err)
			if n != 3 {
				t.Errorf("got %d that failed, want 3", n)
			}
		})
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "ana", "")
			for _, from := range []contest.Status{contest.Uploaded, contest.Processing} {
				v := w.bring(t, w.upload(t, p, "Clavada", start), from)

				check(t, w.Restart(t.Context(), v.ID, v.TaskID))

				got, err := w.VideoByID(t.Context(), v.ID)
				check(t, err)
				want := v
				want.Status, want.TaskID = contest.Uploaded, got.TaskID
				if diff := cmp.Diff(want, got); diff != "" || got.TaskID == v.TaskID {
					t.Errorf("from %s, task %s (-want +got):\n%s", from, got.TaskID, diff)
				}
				if state := w.job(t, got.TaskID).State; state != rivertype.JobStateAvailable {
					t.Errorf("got job state %s", state)
				}
			}
		})
	}
}

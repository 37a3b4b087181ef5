package jobs_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/contest"
	"risingstars/internal/jobs"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	gate := apptest.NewGate(t)
	f.needs.Tools.FFmpeg = gate.FFmpeg
	videos := make([]contest.Video, 3)
	for i := range videos {
		videos[i] = f.upload(mediatest.Clip(t, mediatest.Spec{}), time.Now())
	}

	f.work(2, testserver.Patience)

	f.eventually("two run", func() bool { return len(gate.Arrived(t)) == 2 })
	states := []string{f.job(videos[0].TaskID).State, f.job(videos[1].TaskID).State, f.job(videos[2].TaskID).State}
	if diff := cmp.Diff([]string{"running", "running", "available"}, states); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	gate.Open(t)
	for i := range videos {
		videos[i], _ = f.settled(videos[i])
	}
	f.wantClean(videos...)
}

func TestStopWaits(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	gate := apptest.NewGate(t)
	f.needs.Tools.FFmpeg = gate.FFmpeg
	running, waiting := f.upload(mediatest.Clip(t, mediatest.Spec{}), time.Now()), f.upload(mediatest.Clip(t, mediatest.Spec{}), time.Now())
	workers := f.work(1, testserver.Patience)
	f.eventually("FFmpeg runs", func() bool { return len(gate.Arrived(t)) == 1 })
	stopped := make(chan error, 1)

	go func() { stopped <- workers.Stop(t.Context()) }()
	gate.Open(t)

	check(t, <-stopped)
	want(t, f.video(running.ID), f.job(running.TaskID), contest.Processed, contest.NoFailure, job{State: "completed", Attempt: 1})
	want(t, f.video(waiting.ID), f.job(waiting.TaskID), contest.Uploaded, contest.NoFailure, job{State: "available"})
}

// A job that does not end within the grace time returns to the queue unchanged.
func TestStopHandsBack(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		grace time.Duration
		limit time.Duration // of the whole stop
	}{
		{"after the grace time", 50 * time.Millisecond, testserver.Patience},
		{"when there is no time at all", testserver.Patience, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := setUp(t)
			gate := apptest.NewGate(t)
			f.needs.Tools.FFmpeg = gate.FFmpeg
			v := f.upload(mediatest.Clip(t, mediatest.Spec{}), time.Now())
			workers := f.work(1, test.grace)
			f.eventually("FFmpeg runs", func() bool { return len(gate.Arrived(t)) == 1 })

			ctx, cancel := context.WithTimeout(context.Background(), test.limit)
			defer cancel()
			check(t, workers.Stop(ctx))

			want(t, f.video(v.ID), f.job(v.TaskID), contest.Processing, contest.NoFailure, job{State: "available"})
			if err := syscall.Kill(gate.Arrived(t)[0], 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("FFmpeg is still there: %v", err)
			}
			f.wantClean(v)

			gate.Open(t)
			f.work(1, testserver.Patience)
			v, j := f.settled(v)
			want(t, v, j, contest.Processed, contest.NoFailure, job{State: "completed", Attempt: 1})
			f.wantClean(v)
		})
	}
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	const (
		remove = `DELETE FROM river_job WHERE id = $1`
		end    = `UPDATE river_job SET state = 'discarded', finalized_at = datetime('now') WHERE id = $1`
	)
	const hour = time.Hour
	tests := []struct {
		name   string
		age    time.Duration // of the upload
		change string
		again  bool
	}{
		{"job removed", hour, remove, true},
		{"job discarded", hour, end, true},
		{"job of another kind of id", hour, `UPDATE videos SET task_id = 'lost' WHERE task_id = $1`, true},
		{"job waits", hour, `SELECT $1`, false},
		{"job waits for another try", hour, `UPDATE river_job SET state = 'retryable' WHERE id = $1`, false},
		{"job runs", hour, `UPDATE river_job SET state = 'running' WHERE id = $1`, false},
		{"job removed a moment ago", 0, remove, false},
		{"failed", hour, `UPDATE videos SET status = 'failed', failure = 'internal', task_id = 'x' WHERE task_id = $1`, false},
		{"processed", hour, `UPDATE videos SET status = 'processed', task_id = 'x' WHERE task_id = $1`, false},
	}
	text := t.TempDir() + "/text"
	check(t, os.WriteFile(text, []byte("no video"), 0o600))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := setUp(t)
			v := f.upload(text, time.Now().Add(-test.age))
			f.exec(test.change, v.TaskID)
			before := f.video(v.ID)
			workers := must(jobs.NewWorkers(1, testserver.Patience, f.needs))(t) // not started

			check(t, workers.Reconcile(t.Context()))
			check(t, workers.Reconcile(t.Context())) // the second run finds nothing to do

			after := f.video(v.ID)
			if diff := cmp.Diff(test.again, after.TaskID != before.TaskID); diff != "" {
				t.Errorf("queued again (-want +got):\n%s", diff)
			}
			if test.again {
				want(t, after, f.job(after.TaskID), contest.Uploaded, contest.NoFailure, job{State: "available"})
			}
		})
	}
}

// Reconciliation runs at start.
func TestReconcileAtStart(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	v := f.upload(mediatest.Clip(t, mediatest.Spec{}), time.Now().Add(-time.Hour))
	f.exec(`DELETE FROM river_job`)

	f.work(1, testserver.Patience)

	f.eventually("it is processed", func() bool { return f.video(v.ID).Status == contest.Processed })
	f.wantClean(f.video(v.ID))
}

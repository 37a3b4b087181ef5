package jobs_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"risingstars/internal/app/apptest"
	"risingstars/internal/contest"
	"risingstars/internal/jobs"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

func TestProcess(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.needs.Tools = must(findTools())(t)
	v := f.upload(mediatest.Clip(t, mediatest.Spec{}), time.Now())
	watch := f.needs.Live.Watch(t.Context(), v.ID)
	defer watch.Close()

	f.work(1, testserver.Patience)

	v, j := f.settled(v)
	want(t, v, j, contest.Processed, contest.NoFailure, job{State: "completed", Attempt: 1})
	f.wantClean(v)
	if diff := cmp.Diff(contest.Event{VideoID: v.ID, Status: contest.Processed, Progress: 100}, <-watch.News()); diff != "" {
		t.Errorf("last event (-want +got):\n%s", diff)
	}
	frames := mediatest.Streams(t, f.path(v.Media.RenditionKey()))[0]["nb_frames"]
	if diff := cmp.Diff(any("180"), frames); diff != "" { // one second of the clip between the curtains
		t.Errorf("frames (-want +got):\n%s", diff)
	}
}

// A failure of the file is permanent at once; a failure of the machine is permanent after the last attempt.
func TestProcessFails(t *testing.T) {
	t.Parallel()
	atOnce := job{State: "cancelled", Attempt: 1, Errors: 1}
	inTheEnd := job{State: "discarded", Attempt: jobs.MaxAttempts, Errors: jobs.MaxAttempts}
	tests := []struct {
		name    string
		prepare func(*fixture, contest.Video)
		why     contest.Failure
		want    job
	}{
		{"pictures of noise", func(f *fixture, v contest.Video) {
			f.needs.Tools = must(findTools())(f)
			f.putOriginal(v, apptest.Ruined(f))
		}, contest.FailedUnplayable, atOnce},
		{"another file in its place", func(f *fixture, v contest.Video) {
			path := filepath.Join(f.TempDir(), "text")
			check(f, os.WriteFile(path, []byte("no video at all"), 0o600))
			f.putOriginal(v, path)
		}, contest.FailedUnplayable, atOnce},
		{"original gone", func(f *fixture, v contest.Video) {
			check(f, f.blobs.Delete(f.Context(), v.Media.OriginalKey()))
		}, contest.FailedInternal, inTheEnd},
		{"FFmpeg gone", func(f *fixture, _ contest.Video) {
			f.needs.Tools.FFmpeg = filepath.Join(f.TempDir(), "ffmpeg")
		}, contest.FailedInternal, inTheEnd},
		{"a fault of the program's", func(f *fixture, _ contest.Video) {
			f.needs.Storage = faulty{Storage: f.blobs, fetch: func() error { panic("the storage has lost its mind") }}
		}, contest.FailedInternal, inTheEnd},
		{"too slow", func(f *fixture, _ contest.Video) {
			f.needs.Tools.FFmpeg = apptest.Script(f, "kill -XCPU $$") // as the kernel does at the CPU time limit
		}, contest.FailedTimeout, inTheEnd},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := setUp(t)
			v := f.upload(mediatest.Clip(t, mediatest.Spec{}), time.Now())
			test.prepare(f, v)
			watch := f.needs.Live.Watch(t.Context(), v.ID)
			defer watch.Close()

			f.work(1, testserver.Patience)

			v, j := f.settled(v)
			want(t, v, j, contest.Failed, test.why, test.want)
			if diff := cmp.Diff(contest.Event{VideoID: v.ID, Status: contest.Failed, Failure: test.why}, <-watch.News()); diff != "" {
				t.Errorf("last event (-want +got):\n%s", diff)
			}
			if test.name != "original gone" {
				f.wantClean(v)
			}
		})
	}
}

// A job for a video that it may not change ends and changes nothing.
func TestNothingToDo(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	clip := mediatest.Clip(t, mediatest.Spec{})
	deleted, replaced := f.upload(clip, time.Now()), f.upload(clip, time.Now())
	check(t, f.videos.DeleteVideo(t.Context(), f.player, deleted.ID))
	check(t, f.store.Restart(t.Context(), replaced.ID, replaced.TaskID))
	stale := replaced.TaskID

	f.work(1, testserver.Patience)

	replaced, j := f.settled(f.video(replaced.ID))
	want(t, replaced, j, contest.Processed, contest.NoFailure, job{State: "completed", Attempt: 1})
	for _, taskID := range []string{deleted.TaskID, stale} {
		if diff := cmp.Diff(job{State: "cancelled", Attempt: 1, Errors: 1}, f.ended(taskID)); diff != "" {
			t.Errorf("job %s (-want +got):\n%s", taskID, diff)
		}
	}
	f.wantClean(replaced)
}

func TestSecondRunChangesNothing(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	v := f.upload(mediatest.Clip(t, mediatest.Spec{}), time.Now())
	f.work(1, testserver.Patience)
	before, j := f.settled(v)

	err := jobs.Run(t.Context(), f.needs, runOf(t, before, j.Attempt+1))

	if !errors.Is(err, contest.ErrNothingToDo) {
		t.Errorf("got %v, want %v", err, contest.ErrNothingToDo)
	}
	if diff := cmp.Diff(before, f.video(v.ID)); diff != "" {
		t.Errorf("video (-before +after):\n%s", diff)
	}
	f.wantClean(before)
}

func TestDeleteDuringProcessing(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	gate := apptest.NewGate(t)
	f.needs.Tools.FFmpeg = gate.FFmpeg
	v := f.upload(mediatest.Clip(t, mediatest.Spec{}), time.Now())
	f.work(1, testserver.Patience)
	f.eventually("FFmpeg runs", func() bool { return len(gate.Arrived(t)) == 1 })

	check(t, f.videos.DeleteVideo(t.Context(), f.player, v.ID))

	testserver.Eventually(t, "FFmpeg has ended", func() bool {
		return errors.Is(syscall.Kill(gate.Arrived(t)[0], 0), syscall.ESRCH)
	})
	if got := f.ended(v.TaskID).State; got != "cancelled" {
		t.Errorf("job: got %s, want cancelled", got)
	}
	f.wantClean()
}

// At whichever moment a video is deleted, none of its objects remains.
func TestDeleteWhileStoring(t *testing.T) {
	t.Parallel()
	for _, call := range []int{1, 2} {
		f := setUp(t)
		v := f.upload(mediatest.Clip(t, mediatest.Spec{}), time.Now())
		n := 0
		f.needs.Storage = faulty{Storage: f.blobs, put: func() error {
			if n++; n == call {
				return f.videos.DeleteVideo(t.Context(), f.player, v.ID)
			}
			return nil
		}}

		f.work(1, testserver.Patience)

		if got := f.ended(v.TaskID).State; got != "cancelled" {
			t.Errorf("job: got %s, want cancelled", got)
		}
		f.wantClean()
	}
}

// After a job's timeout its context is of no use for the database either; the video is marked as failed all the same.
func TestProcessOverTime(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	v := f.upload(mediatest.Clip(t, mediatest.Spec{}), time.Now())
	ctx := &timeOver{Context: t.Context(), over: make(chan struct{})}
	f.needs.Storage = faulty{Storage: f.blobs, fetch: func() error {
		close(ctx.over)
		return ctx.Err()
	}}

	err := jobs.Run(ctx, f.needs, runOf(t, v, jobs.MaxAttempts))

	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	v = f.video(v.ID)
	if diff := cmp.Diff([]any{contest.Failed, contest.FailedTimeout}, []any{v.Status, v.Failure}); diff != "" {
		t.Errorf("status and failure (-want +got):\n%s", diff)
	}
}

// timeOver is a context whose deadline passes when over is closed.
type timeOver struct {
	context.Context //nolint:containedctx // it is a context itself

	over chan struct{}
}

func (c *timeOver) Done() <-chan struct{} { return c.over }

func (c *timeOver) Err() error {
	select {
	case <-c.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// runOf returns a run of the video's job, without the queue.
func runOf(tb testing.TB, v contest.Video, attempt int) *river.Job[contest.ProcessVideo] {
	tb.Helper()
	return &river.Job[contest.ProcessVideo]{
		JobRow: &rivertype.JobRow{ID: must(strconv.ParseInt(v.TaskID, 10, 64))(tb), Attempt: attempt, MaxAttempts: jobs.MaxAttempts},
		Args:   contest.ProcessVideo{VideoID: v.ID},
	}
}

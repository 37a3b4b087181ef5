package jobs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
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

func TestNextRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // the fake clock does not advance
		want := []time.Duration{5 * time.Second, 20 * time.Second, 80 * time.Second, 320 * time.Second}
		got := []time.Duration{}
		for attempt := 1; attempt < jobs.MaxAttempts; attempt++ {
			next := jobs.NextRetry(&river.Job[contest.ProcessVideo]{JobRow: &rivertype.JobRow{Attempt: attempt}})
			got = append(got, time.Until(next))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pauses (-want +got):\n%s", diff)
		}
	})
}

func TestTroubleThatPasses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		faulty faulty
		tries  int
	}{
		{"fetch", faulty{fetch: failing(1, 2)}, 3},
		{"store the clip", faulty{put: failing(1)}, 2},
		{"store the poster", faulty{put: failing(2)}, 2},
		{"panic", faulty{fetch: panicking(1)}, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := setUp(t)
			test.faulty.Storage = f.blobs
			f.needs.Storage = test.faulty
			v := f.upload(mediatest.Clip(t, mediatest.Spec{}), time.Now())

			f.work(1, testserver.Patience)

			v, j := f.settled(v)
			want(t, v, j, contest.Processed, contest.NoFailure, job{State: "completed", Attempt: test.tries, Errors: test.tries - 1})
			f.wantClean(v)
		})
	}
}

// River waits for the backoff between attempts.
func TestPauses(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.needs.Storage = faulty{Storage: f.blobs, fetch: failing(1, 2)}
	v := f.upload(mediatest.Clip(t, mediatest.Spec{}), time.Now())
	f.work(1, testserver.Patience)

	for tries, least := range []time.Duration{5 * time.Second, 20 * time.Second} {
		f.eventually("it has failed once more", func() bool { return f.job(v.TaskID).Errors == tries+1 })
		var seconds float64
		check(t, f.db.Readers.QueryRowContext(t.Context(), `
			SELECT (julianday(scheduled_at) - julianday(json_extract(errors, '$[#-1].at'))) * 86400
			FROM river_job WHERE id = $1`, v.TaskID).Scan(&seconds))
		got := time.Duration(seconds * float64(time.Second))
		// On a busy machine, time passes between the failure and the start of the backoff.
		if got < least-10*time.Millisecond || got > least+testserver.Patience {
			t.Errorf("pause after try %d: got %s, want %s", tries+1, got, least)
		}
		if v := f.video(v.ID); v.Status != contest.Processing {
			t.Errorf("status between tries: got %s, want %s", v.Status, contest.Processing)
		}
		f.hurry(v.TaskID)
	}
}

// A video that failed permanently can be retried after the cause is gone.
func TestRetryFailed(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	var mended atomic.Bool
	f.needs.Storage = faulty{Storage: f.blobs, fetch: func() error {
		if mended.Load() {
			return nil
		}
		return errDisk
	}}
	v := f.upload(mediatest.Clip(t, mediatest.Spec{}), time.Now())
	f.work(1, testserver.Patience)
	failed, j := f.settled(v)
	want(t, failed, j, contest.Failed, contest.FailedInternal,
		job{State: "discarded", Attempt: jobs.MaxAttempts, Errors: jobs.MaxAttempts})
	mended.Store(true)

	again := must(f.videos.RetryVideoForOrganizer(t.Context(), v.ID))(t)

	v, j = f.settled(again)
	want(t, v, j, contest.Processed, contest.NoFailure, job{State: "completed", Attempt: 1})
	if got := f.job(failed.TaskID).State; got != "discarded" {
		t.Errorf("the job that failed: got %s, want it kept as discarded", got)
	}
	f.wantClean(v)
}

// The jobs of a process that died do not lose an attempt, unless it happens repeatedly.
func TestRecoverInterrupted(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	clip := mediatest.Clip(t, mediatest.Spec{})
	once, always := f.upload(clip, time.Now()), f.upload(clip, time.Now())
	f.exec(`UPDATE river_job SET state = 'running', attempt = 1`)
	f.exec(`UPDATE river_job SET attempt = $1 WHERE id = $2`, jobs.MaxAttempts, always.TaskID)
	f.exec(`UPDATE videos SET interruptions = 20 WHERE id = $1`, always.ID)

	recovered := must(f.store.RecoverInterrupted(t.Context()))(t)

	if diff := cmp.Diff(int64(2), recovered); diff != "" {
		t.Errorf("recovered (-want +got):\n%s", diff)
	}
	f.work(1, testserver.Patience)
	once, j := f.settled(once)
	want(t, once, j, contest.Processed, contest.NoFailure, job{State: "completed", Attempt: 1})
	always, j = f.settled(always)
	want(t, always, j, contest.Failed, contest.FailedInternal, job{State: "discarded", Attempt: jobs.MaxAttempts + 1, Errors: 1})
	f.wantClean(once, always)
}

// A run whose FFmpeg makes no progress is a stall: it ends, and its slot is free for the next attempt.
func TestStalledFFmpegIsGivenUp(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	started := filepath.Join(t.TempDir(), "pid")
	f.needs.Tools.FFmpeg = apptest.Script(t, fmt.Sprintf("[ -e %[1]q ] || echo $$ >%[1]q; exec sleep 100000", started))
	f.needs.Tools.MaxStall = 10 * time.Second // enough for the script to start on a busy machine
	v := f.upload(mediatest.Clip(t, mediatest.Spec{}), time.Now())

	f.work(1, testserver.Patience)

	tries := 1
	failed := func() bool { return f.job(v.TaskID).Errors >= tries }
	f.eventually("the try has failed", failed)
	text, err := os.ReadFile(started)
	for errors.Is(err, os.ErrNotExist) { // on a very busy machine the attempt may be given up before the script has begun
		tries++
		f.hurry(v.TaskID)
		f.eventually("the next try has failed", failed)
		text, err = os.ReadFile(started)
	}
	check(t, err)
	// The next attempt may have begun by now.
	if j := f.job(v.TaskID); j.State != "available" && (j.State != "running" || j.Attempt <= tries) {
		t.Errorf("job: got %+v after %d tries, want another", j, tries)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	check(t, err)
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("FFmpeg, process %d, is still there: %v", pid, err)
	}
}

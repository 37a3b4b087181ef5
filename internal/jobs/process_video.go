package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"risingstars/internal/contest"
	"risingstars/internal/live"
	"risingstars/internal/media"
)

// Store is the part of the database that a job uses.
type Store interface {
	BeginProcessing(ctx context.Context, r contest.JobRun) (contest.Video, error)
	Beat(ctx context.Context, r contest.JobRun, progress int) error
	FinishProcessing(ctx context.Context, r contest.JobRun, rendition string, at time.Time, complete func(*sql.Tx) error) (contest.Video, error)
	FailProcessing(ctx context.Context, r contest.JobRun, why contest.Failure, complete func(*sql.Tx) error) (contest.Video, error)
	Held(ctx context.Context) ([]contest.RunningJob, error)
	TakeOver(ctx context.Context, h contest.RunningJob) error
	Promote(ctx context.Context, before time.Time) (int64, error)
	Unfinished(ctx context.Context, before time.Time) ([]contest.Video, error)
	Restart(ctx context.Context, id int64, taskID string) error
}

// Storage is the part of the media storage that a job uses.
type Storage interface {
	// Fetch makes an object readable as a new file at path, which must not be written to.
	Fetch(ctx context.Context, key, path string) error
	// PutFile moves a file to a key. The object is durable when it returns.
	PutFile(ctx context.Context, key, path string) error
	// Delete removes one object. A missing object is not an error.
	Delete(ctx context.Context, key string) error
}

// Live publishes the events of a video, and tells a run that its video was deleted.
type Live interface {
	PublishEvent(ctx context.Context, e contest.Event)
	Watch(ctx context.Context, videoID int64) *live.Watch
}

// Needs are the dependencies of the workers.
type Needs struct {
	DB      Database
	Store   Store
	Storage Storage
	Tools   media.Tools
	Brand   media.BrandFiles
	Live    Live
	Clock   func() time.Time
	Log     *slog.Logger
	Metrics *Metrics
	Tracer  trace.Tracer // nil disables tracing
	WorkDir string       // parent of the runs' work folders
}

// processor is the River worker that turns originals into renditions.
type processor struct {
	river.WorkerDefaults[contest.ProcessVideo]
	Needs
}

// Longest is the timeout of a job, in whichever step it hangs. FFmpeg, which takes nearly all of a job's time, has
// limits of its own: processor time, and time without progress (stall).
const Longest = 90 * time.Minute

// cleanUpTimeout bounds the work that remains after a run's own time has passed.
const cleanUpTimeout = 10 * time.Second

// Timeout implements river.Worker.
func (p *processor) Timeout(*river.Job[contest.ProcessVideo]) time.Duration { return Longest }

// NextRetry implements river.Worker: exponential backoff between attempts, so that a temporary failure can end.
func (p *processor) NextRetry(job *river.Job[contest.ProcessVideo]) time.Time {
	return time.Now().Add(pause(job.Attempt))
}

// pause returns the backoff after the given attempt, counted from 1: 5 s, 20 s, 80 s, 5 min 20 s.
func pause(attempt int) time.Duration {
	return 5 * time.Second << (2 * min(max(attempt-1, 0), 6))
}

// Work implements river.Worker. Its result decides the state of the job: nil completes it, a river.JobCancel cancels
// it, any other error is retried.
func (p *processor) Work(ctx context.Context, job *river.Job[contest.ProcessVideo]) (err error) {
	task := task{processor: p, job: job, id: job.Args.VideoID, taskID: strconv.FormatInt(job.ID, 10)}
	task.hold = contest.JobRun{VideoID: task.id, TaskID: task.taskID, HolderID: contest.NewMediaToken()}
	defer func() {
		if panicked := recover(); panicked != nil {
			err = task.failed(ctx, fmt.Errorf("panic: %v\n%s", panicked, debug.Stack()))
		}
	}()
	err = spanned(inTraceOf(ctx, job.JobRow), p.Tracer, job.Kind, task.run,
		attribute.Int64("video.id", task.id), attribute.Int64("job.id", job.ID), attribute.Int("job.attempt", job.Attempt))
	if err == nil {
		return nil
	}
	return task.failed(ctx, err)
}

// task is one run of one job.
type task struct {
	*processor
	job      *river.Job[contest.ProcessVideo]
	id       int64
	taskID   string
	hold     contest.JobRun
	progress atomic.Int64 // of FFmpeg, in per cent
}

// errDeleted ends the run of a video that was deleted during the run.
var errDeleted = errors.New("the video was deleted")

func (t *task) run(ctx context.Context) error {
	if t.job.Attempt > t.job.MaxAttempts {
		return errors.New("interrupted too often")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer t.untilDeleted(ctx, cancel)() // subscribes before the state is read, so that no deletion is missed in between
	v, err := t.Store.BeginProcessing(ctx, t.hold)
	if err == nil {
		if t.job.Attempt == 1 {
			t.Metrics.wait.Observe(t.age().Seconds())
		}
		defer t.beat(ctx, cancel)()
		err = t.process(ctx, v)
	}
	if err != nil {
		for _, cause := range []error{errDeleted, errReplaced} {
			if errors.Is(context.Cause(ctx), cause) {
				return cause
			}
		}
		return err
	}
	return nil
}

// age returns how long the video has been waiting, measured with the clocks of two hosts. It uses the earlier of the
// job's two times: a takeover inserts the job later than it was due, and a retry schedules it later than it was
// created.
func (t *task) age() time.Duration {
	entered := t.job.CreatedAt
	if t.job.ScheduledAt.Before(entered) {
		entered = t.job.ScheduledAt
	}
	return max(0, t.Clock().Sub(entered))
}

// process makes the rendition in a temporary work folder and stores it.
func (t *task) process(ctx context.Context, v contest.Video) (err error) {
	t.Live.PublishEvent(ctx, contest.Event{VideoID: t.id, Status: contest.Processing})
	t.Log.Info("processing", "video_id", t.id, "task_id", t.taskID, "attempt", t.job.Attempt)

	dir, err := os.MkdirTemp(t.WorkDir, "render-*")
	if err != nil {
		return fmt.Errorf("make a work folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	rendered, err := t.render(ctx, v, dir)
	if err != nil {
		return err
	}
	return t.finish(ctx, v, rendered)
}

// untilDeleted cancels the run when the video is deleted. The returned function ends the subscription.
func (t *task) untilDeleted(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	watch := t.Live.Watch(ctx, t.id)
	go func() { // ends with ctx, which the run cancels
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-watch.News():
				if e.Deleted {
					cancel(errDeleted)
					return
				}
			}
		}
	}()
	return watch.Close
}

// rendered describes the results before they are stored.
type rendered struct {
	clip, poster string // paths
	play         time.Duration
	took         time.Duration // of FFmpeg
}

func (t *task) render(ctx context.Context, v contest.Video, dir string) (rendered, error) {
	source := filepath.Join(dir, "original")
	err := t.spanned(ctx, "fetch the original", func(ctx context.Context) error {
		return t.Storage.Fetch(ctx, v.Media.OriginalKey(), source)
	})
	if err != nil {
		return rendered{}, err
	}
	var clip media.Clip
	err = t.spanned(ctx, "ffprobe", func(ctx context.Context) error {
		clip, err = t.Tools.Probe(ctx, source)
		return err
	})
	if err != nil {
		return rendered{}, err
	}
	r := rendered{clip: filepath.Join(dir, "clip.mp4"), poster: filepath.Join(dir, "poster.jpg")}
	begin := time.Now()
	err = t.spanned(ctx, "ffmpeg", func(ctx context.Context) error {
		_, err := t.Tools.Render(ctx, media.Render{
			Clip: clip, Source: source, Brand: t.Brand, Dest: r.clip, Poster: r.poster,
			Progress: func(percent int) {
				t.progress.Store(int64(min(percent, 99)))
				// 100 is published when the result is durable.
				t.Live.PublishEvent(ctx, contest.Event{VideoID: t.id, Status: contest.Processing, Progress: min(percent, 99)})
			},
		})
		return err
	}, attribute.Float64("clip.seconds", clip.Duration.Seconds()))
	r.took = time.Since(begin)
	r.play = min(clip.Duration, media.MaxPlay)
	return r, err
}

// spanned runs a step of the run within a span of its own.
func (t *task) spanned(ctx context.Context, name string, do func(context.Context) error, about ...attribute.KeyValue) error {
	return spanned(ctx, t.Tracer, name, do, append(about, attribute.Int64("video.id", t.id))...)
}

// finish makes the results durable under new keys, then commits the video's new state and the job's completion in one
// transaction.
func (t *task) finish(ctx context.Context, v contest.Video, r rendered) error {
	v.Media.Run = contest.NewMediaToken()
	err := t.spanned(ctx, "store the results", func(ctx context.Context) error { return t.put(ctx, v.Media, r) })
	if err != nil {
		return errors.Join(err, t.remove(ctx, v.Media))
	}
	done, err := t.Store.FinishProcessing(ctx, t.hold, v.Media.Run, t.Clock().UTC(), t.complete(ctx))
	if errors.Is(err, contest.ErrNothingToDo) || errors.Is(context.Cause(ctx), errDeleted) {
		return errors.Join(err, t.remove(ctx, v.Media))
	}
	if err != nil {
		return err // the commit's outcome is unknown: if it failed, the sweep deletes the objects
	}
	t.Metrics.processed(r.took, r.play)
	t.Metrics.ready.Observe(t.age().Seconds())
	t.Live.PublishEvent(ctx, contest.Event{VideoID: t.id, Status: done.Status, Progress: 100})
	t.Log.Info("processed", "video_id", t.id, "task_id", t.taskID, "ffmpeg", r.took, "play", r.play)
	return nil
}

func (t *task) put(ctx context.Context, m contest.Media, r rendered) error {
	if err := t.Storage.PutFile(ctx, m.RenditionKey(), r.clip); err != nil {
		return err
	}
	return t.Storage.PutFile(ctx, m.PosterKey(), r.poster)
}

// remove deletes the results of a run that no row refers to, even during shutdown.
func (t *task) remove(ctx context.Context, m contest.Media) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	return errors.Join(t.Storage.Delete(ctx, m.RenditionKey()), t.Storage.Delete(ctx, m.PosterKey()))
}

// complete returns a function that completes the job as part of a transaction. Group commit may share that
// transaction with other writers, so the end of ctx does not interrupt it.
func (t *task) complete(ctx context.Context) func(*sql.Tx) error {
	ctx = context.WithoutCancel(ctx)
	return func(tx *sql.Tx) error { return t.DB.complete(ctx, tx, t.job) }
}

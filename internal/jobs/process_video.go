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

// Store is what a job needs of the database.
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

// Storage is what a job needs of the media storage.
type Storage interface {
	// Fetch makes an object readable as a new file at path, which must not be written to.
	Fetch(ctx context.Context, key, path string) error
	// PutFile moves a file under a key; when it returns, the object is durable.
	PutFile(ctx context.Context, key, path string) error
	// Delete removes one object. If there is none, that is no error.
	Delete(ctx context.Context, key string) error
}

// Live tells others of a video, and of what becomes of it elsewhere.
type Live interface {
	PublishEvent(ctx context.Context, e contest.Event)
	Watch(ctx context.Context, videoID int64) *live.Watch
}

// Needs are what the workers are built on.
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
	Tracer  trace.Tracer // nil for no traces
	WorkDir string       // where videos are worked on
}

// processor works the jobs that turn originals into renditions.
type processor struct {
	river.WorkerDefaults[contest.ProcessVideo]
	Needs
}

// Longest is when a job ends, whatever it hangs in. FFmpeg, which takes nearly all of a job's time, has limits of its own:
// of processor time, and of time without progress.
const Longest = 90 * time.Minute

// cleanUpTimeout bounds what is still to be done when a run's own time is over.
const cleanUpTimeout = 10 * time.Second

// Timeout implements river.Worker.
func (p *processor) Timeout(*river.Job[contest.ProcessVideo]) time.Duration { return Longest }

// NextRetry implements river.Worker: exponential backoff between attempts, so that trouble that passes is waited out.
func (p *processor) NextRetry(job *river.Job[contest.ProcessVideo]) time.Time {
	return time.Now().Add(pause(job.Attempt))
}

// pause is the time after the given attempt, counted from 1: 5 s, 20 s, 80 s, 5 min 20 s.
func pause(attempt int) time.Duration {
	return 5 * time.Second << (2 * min(max(attempt-1, 0), 6))
}

// Work implements river.Worker. What it returns decides what becomes of the job: nil is done, a river.JobCancel is given
// up, any other error is tried again.
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
	progress atomic.Int64 // of FFmpeg, per cent
}

// errDeleted ends the run of a video that was deleted meanwhile.
var errDeleted = errors.New("the video was deleted")

func (t *task) run(ctx context.Context) error {
	if t.job.Attempt > t.job.MaxAttempts {
		return errors.New("interrupted too often")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer t.untilDeleted(ctx, cancel)() // before the state is read, so that no deletion is missed in between
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

// age is for how long the video has been waiting, by the clocks of two hosts. A job that was taken over is younger than
// when it was due, and one that is tried again is older.
func (t *task) age() time.Duration {
	entered := t.job.CreatedAt
	if t.job.ScheduledAt.Before(entered) {
		entered = t.job.ScheduledAt
	}
	return max(0, t.Clock().Sub(entered))
}

// process takes the video through FFmpeg, in a work folder that does not stay.
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

// untilDeleted cancels the run when the video is deleted. The function that it returns ends the watch.
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

// rendered is where the results wait to be stored.
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
				// 100 is for when the result is durable.
				t.Live.PublishEvent(ctx, contest.Event{VideoID: t.id, Status: contest.Processing, Progress: min(percent, 99)})
			},
		})
		return err
	}, attribute.Float64("clip.seconds", clip.Duration.Seconds()))
	r.took = time.Since(begin)
	r.play = min(clip.Duration, media.MaxPlay)
	return r, err
}

// spanned does a part of the run within a span of its own.
func (t *task) spanned(ctx context.Context, name string, do func(context.Context) error, about ...attribute.KeyValue) error {
	return spanned(ctx, t.Tracer, name, do, append(about, attribute.Int64("video.id", t.id))...)
}

// finish makes the results durable under new keys, and then commits the video's new state and the job's end together.
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
		return err // the commit may have happened all the same: if not, the objects are swept
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

// remove takes back the results of a run that no row will ever name, also when the run is being stopped.
func (t *task) remove(ctx context.Context, m contest.Media) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	return errors.Join(t.Storage.Delete(ctx, m.RenditionKey()), t.Storage.Delete(ctx, m.PosterKey()))
}

// complete ends the job as part of a transaction, which others may share: the end of ctx does not interrupt it.
func (t *task) complete(ctx context.Context) func(*sql.Tx) error {
	ctx = context.WithoutCancel(ctx)
	return func(tx *sql.Tx) error { return t.DB.complete(ctx, tx, t.job) }
}

package jobs

import (
	"context"
	"database/sql"
	"errors"

	"github.com/riverqueue/river"

	"risingstars/internal/contest"
	"risingstars/internal/media"
)

// failed maps an error to the outcome of the job: nothing left to do, a permanent failure of the file, a shutdown of
// the process, or a temporary failure to retry.
func (t *task) failed(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, errDeleted):
		t.Live.PublishEvent(ctx, contest.Event{VideoID: t.id, Deleted: true}) // again: progress may have followed the deletion
		return river.JobCancel(contest.ErrNothingToDo)
	case errors.Is(err, contest.ErrNothingToDo), errors.Is(err, errReplaced):
		return river.JobCancel(contest.ErrNothingToDo)
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errors.Join(context.Canceled, err) // shutdown: River returns the job to the queue
	}
	why, final := verdict(err)
	if !final && t.job.Attempt < t.job.MaxAttempts {
		t.Metrics.failures.WithLabelValues("again").Inc()
		t.Log.Warn("processing failed, will be tried again", "video_id", t.id, "task_id", t.taskID,
			"attempt", t.job.Attempt, "pause", pause(t.job.Attempt), "error", err)
		return err
	}
	return t.giveUp(ctx, why, err)
}

// giveUp commits that the video has failed. River keeps the job for the organizers to see: as discarded after the
// last attempt, as cancelled if a retry would be pointless.
func (t *task) giveUp(ctx context.Context, why contest.Failure, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout) // the job's timeout may have passed
	defer cancel()
	_, err := t.Store.FailProcessing(ctx, t.hold, why, func(*sql.Tx) error { return nil })
	if errors.Is(err, contest.ErrNothingToDo) {
		return river.JobCancel(contest.ErrNothingToDo)
	}
	if err != nil {
		return errors.Join(cause, err)
	}
	t.Metrics.failures.WithLabelValues("for good").Inc()
	t.Log.Error("processing failed for good", "video_id", t.id, "task_id", t.taskID, "failure", why, "error", cause)
	t.Live.PublishEvent(ctx, contest.Event{VideoID: t.id, Status: contest.Failed, Failure: why})
	if t.job.Attempt < t.job.MaxAttempts {
		return river.JobCancel(cause)
	}
	return cause
}

// verdict returns why a video failed, and whether a retry cannot change it.
func verdict(err error) (why contest.Failure, final bool) {
	switch {
	case media.ReasonOf(err) != "":
		return contest.FailedUnplayable, true
	case errors.Is(err, media.ErrTooSlow), errors.Is(err, context.DeadlineExceeded):
		return contest.FailedTimeout, false
	default:
		return contest.FailedInternal, false
	}
}

package jobs

import (
	"context"
	"database/sql"
	"errors"

	"github.com/riverqueue/river"

	"risingstars/internal/contest"
	"risingstars/internal/media"
)

// failed decides what an error means: nothing to do any more, a verdict about the file, a stop of the program, or
// trouble that may pass.
func (t *task) failed(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, errDeleted):
		t.Live.PublishEvent(ctx, contest.Event{VideoID: t.id, Deleted: true}) // once more: progress may have come after it
		return river.JobCancel(contest.ErrNothingToDo)
	case errors.Is(err, contest.ErrNothingToDo), errors.Is(err, errReplaced):
		return river.JobCancel(contest.ErrNothingToDo)
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errors.Join(context.Canceled, err) // the program stops: the queue hands the job back
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

// giveUp commits that the video has failed. The queue keeps the job for the organizers to see, as discarded after the
// last try, as cancelled where no other try would make sense.
func (t *task) giveUp(ctx context.Context, why contest.Failure, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout) // the job's time may be over
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

// verdict tells why a video failed, and whether trying again could change it.
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

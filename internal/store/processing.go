package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"risingstars/internal/contest"
)

// The statements below let a run of a job change only the video whose lease it holds, and only from the expected state.
// A run whose lease another run has taken over, or whose job has been replaced, changes nothing and gets
// contest.ErrNothingToDo.

// BeginProcessing gives the run the lease of its video and sets the video's status to processing.
func (s *Store) BeginProcessing(ctx context.Context, r contest.JobRun) (contest.Video, error) {
	var v contest.Video
	err := s.write(ctx, "begin_processing", func(ctx context.Context, tx *sql.Tx) (err error) {
		v, err = scanVideo(tx.QueryRowContext(ctx, `
			UPDATE videos SET status = 'processing', holder = $1, beat = beat + 1, progress = 0
			WHERE id = $2 AND task_id = $3 AND status IN ('uploaded', 'processing')
			RETURNING `+videoColumns, r.HolderID, r.VideoID, r.TaskID))
		return orNone(err, contest.ErrNothingToDo)
	})
	return v, err
}

// Beat is the run's heartbeat. progress is in per cent.
func (s *Store) Beat(ctx context.Context, r contest.JobRun, progress int) error {
	return s.write(ctx, "beat", func(ctx context.Context, tx *sql.Tx) error {
		return change(ctx, tx, contest.ErrNothingToDo, `
			UPDATE videos SET beat = beat + 1, progress = $1
			WHERE id = $2 AND task_id = $3 AND holder = $4 AND status = 'processing'`,
			progress, r.VideoID, r.TaskID, r.HolderID)
	})
}

// FinishProcessing stores the name of the run's rendition. In the same transaction complete ends the job in the queue.
func (s *Store) FinishProcessing(ctx context.Context, r contest.JobRun, rendition string, at time.Time,
	complete func(*sql.Tx) error,
) (contest.Video, error) {
	return s.settle(ctx, "finish_processing", complete, `
		UPDATE videos SET status = 'processed', run = $1, processed_at = $2
		WHERE id = $3 AND task_id = $4 AND holder = $5 AND status = 'processing'
		RETURNING `+videoColumns, rendition, timestamp(at), r.VideoID, r.TaskID, r.HolderID)
}

// FailProcessing sets the video's status to failed and stores the reason. In the same transaction complete ends the job
// in the queue.
func (s *Store) FailProcessing(ctx context.Context, r contest.JobRun, why contest.Failure,
	complete func(*sql.Tx) error,
) (contest.Video, error) {
	return s.settle(ctx, "fail_processing", complete, `
		UPDATE videos SET status = 'failed', failure = $1
		WHERE id = $2 AND task_id = $3 AND holder IN ($4, '') AND status IN ('uploaded', 'processing')
		RETURNING `+videoColumns, string(why), r.VideoID, r.TaskID, r.HolderID)
}

func (s *Store) settle(ctx context.Context, operation string, complete func(*sql.Tx) error,
	query string, args ...any,
) (contest.Video, error) {
	var v contest.Video
	err := s.write(ctx, operation, func(ctx context.Context, tx *sql.Tx) (err error) {
		v, err = scanVideo(tx.QueryRowContext(ctx, query, args...))
		if errors.Is(err, sql.ErrNoRows) {
			return contest.ErrNothingToDo
		}
		if err != nil {
			return err
		}
		return complete(tx)
	})
	return v, err
}

// Unfinished lists the videos that were uploaded before the given time and are still uploaded or processing, oldest
// first.
func (s *Store) Unfinished(ctx context.Context, before time.Time) ([]contest.Video, error) {
	return many(ctx, s, "unfinished", scanVideo, `
		SELECT `+videoColumns+` FROM videos
		WHERE status IN ('uploaded', 'processing') AND uploaded_at < $1
		ORDER BY uploaded_at`, timestamp(before))
}

// Restart gives an unfinished video a new job in place of one that no longer exists. It returns contest.ErrNothingToDo
// if the video has another job by now.
func (s *Store) Restart(ctx context.Context, id int64, taskID string) error {
	return s.write(ctx, "restart", func(ctx context.Context, tx *sql.Tx) error {
		if err := s.keepPlayerOf(ctx, tx, id); err != nil {
			return err
		}
		err := change(ctx, tx, contest.ErrNothingToDo, `
			UPDATE videos SET status = 'uploaded', holder = '', progress = 0
			WHERE id = $1 AND task_id = $2 AND status IN ('uploaded', 'processing')`, id, taskID)
		if err != nil {
			return err
		}
		_, err = s.enqueue(ctx, tx, id)
		return err
	})
}

// Failed lists the failed videos, oldest first, by keyset paging: at most limit of those after the given video. The
// zero video stands before all.
func (s *Store) Failed(ctx context.Context, after contest.Video, limit int) ([]contest.Video, error) {
	if after.UploadedAt.IsZero() {
		after.UploadedAt = time.Unix(0, 0)
	}
	return many(ctx, s, "failed", scanVideo, `
		SELECT `+videoColumns+` FROM videos
		WHERE status = 'failed' AND (uploaded_at, id) > ($1, $2)
		ORDER BY uploaded_at, id LIMIT $3`, timestamp(after.UploadedAt), after.ID, limit)
}

// CountFailed counts the failed videos.
func (s *Store) CountFailed(ctx context.Context) (int, error) {
	return one(ctx, s, "count_failed", scanInt, nil, `SELECT count(*) FROM videos WHERE status = 'failed'`)
}

package store

import (
	"context"
	"database/sql"
	"time"

	"risingstars/internal/contest"
)

// The job queue has tables of its own in the same database, laid down by its own migrations. What is read of them or
// mended in them stands in this file.

// JobState counts the jobs in one state of the queue.
type JobState struct {
	State  string // available, running, retryable, completed, …
	Count  int
	Oldest time.Time // when the oldest of them was due
}

// Backlog counts the queue's jobs by state.
func (s *Store) Backlog(ctx context.Context) ([]JobState, error) {
	return many(ctx, s, "backlog", func(row scanner) (b JobState, err error) {
		return b, row.Scan(&b.State, &b.Count, (*timestamp)(&b.Oldest))
	}, `SELECT state, count(*), min(scheduled_at) FROM river_job GROUP BY state ORDER BY state`)
}

// maxInterruptions is how often a job whose run was cut off is given its attempt back. Beyond it attempts count again, so
// a clip that brings the program down every time ends as failed.
const maxInterruptions = 20

// RecoverInterrupted makes all running jobs available again, and returns how many there were. It is right only while
// nobody works on them: at the start of the only program on an embedded database.
func (s *Store) RecoverInterrupted(ctx context.Context) (recovered int64, err error) {
	err = s.write(ctx, "recover_interrupted", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE videos SET interruptions = interruptions + 1, holder = ''
			WHERE status IN ('uploaded', 'processing')
				AND task_id IN (SELECT CAST(id AS TEXT) FROM river_job WHERE state = 'running')`)
		if err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `
			UPDATE river_job
			SET state = 'available', attempt = CASE WHEN attempt > 0 AND COALESCE((
				SELECT interruptions FROM videos
				WHERE status IN ('uploaded', 'processing') AND task_id = CAST(river_job.id AS TEXT)
			), 0) <= $1 THEN attempt - 1 ELSE attempt END
			WHERE state = 'running'`, maxInterruptions)
		if err != nil {
			return err
		}
		recovered, err = result.RowsAffected()
		return err
	})
	return recovered, err
}

// Held lists the jobs that are running, as the queue has it, of videos that are on their way.
func (s *Store) Held(ctx context.Context) ([]contest.RunningJob, error) {
	return many(ctx, s, "held", func(row scanner) (h contest.RunningJob, err error) {
		return h, row.Scan(&h.VideoID, &h.TaskID, &h.HolderID, &h.Attempt, &h.Heartbeat)
	}, `
		SELECT v.id, v.task_id, v.holder, j.attempt, v.beat
		FROM videos AS v JOIN river_job AS j ON j.id = CAST(v.task_id AS BIGINT)
		WHERE v.status IN ('uploaded', 'processing') AND j.state = 'running'`)
}

// TakeOver gives the video of a running job a new job if all is still as it was seen: nobody has worked on it since. The
// old run, should it live after all, has neither the video nor a job that counts. The attempt is given back, as its end was
// not the clip's fault, up to maxInterruptions times. It returns contest.ErrNothingToDo if somebody lives.
func (s *Store) TakeOver(ctx context.Context, h contest.RunningJob) error {
	return s.write(ctx, "take_over", func(ctx context.Context, tx *sql.Tx) error {
		var interruptions int
		err := tx.QueryRowContext(ctx, `
			UPDATE videos SET status = 'uploaded', interruptions = interruptions + 1, holder = '', progress = 0
			WHERE id = $1 AND task_id = $2 AND holder = $3 AND beat = $4 AND status IN ('uploaded', 'processing')
			RETURNING interruptions`, h.VideoID, h.TaskID, h.HolderID, h.Heartbeat).Scan(&interruptions)
		if err != nil {
			return orNone(err, contest.ErrNothingToDo)
		}
		err = change(ctx, tx, contest.ErrNothingToDo, `
			UPDATE river_job SET state = 'cancelled', finalized_at = $1
			WHERE id = CAST($2 AS BIGINT) AND state = 'running' AND attempt = $3`,
			queueTime(time.Now()), h.TaskID, h.Attempt)
		if err != nil {
			return err
		}
		next, err := s.enqueue(ctx, tx, h.VideoID)
		if err != nil {
			return err
		}
		used := h.Attempt
		if interruptions <= maxInterruptions && used > 0 {
			used--
		}
		return change(ctx, tx, contest.ErrNothingToDo, `
			UPDATE river_job
			SET attempt = $1, scheduled_at = (SELECT scheduled_at FROM river_job WHERE id = CAST($2 AS BIGINT))
			WHERE id = CAST($3 AS BIGINT)`, used, h.TaskID, next)
	})
}

// Promote moves the jobs to the front of the queue that have been due since before the given time, so that a turn that
// comes late comes all the same. It returns how many there were.
func (s *Store) Promote(ctx context.Context, before time.Time) (promoted int64, err error) {
	err = s.write(ctx, "promote", func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `
			UPDATE river_job SET priority = 1
			WHERE state = 'available' AND priority > 1 AND scheduled_at < $1`, queueTime(before))
		if err != nil {
			return err
		}
		promoted, err = result.RowsAffected()
		return err
	})
	return promoted, err
}

// queueTime is a time as the job queue writes it on SQLite, which PostgreSQL understands as well.
func queueTime(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05.000") }

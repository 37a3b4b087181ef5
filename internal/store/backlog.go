package store

import (
	"context"
	"database/sql"
	"time"

	"risingstars/internal/contest"
)

// The job queue has its own tables in the same database, made by its own migrations. This file has all statements that
// read or repair them.

// JobState counts the jobs in one state of the queue.
type JobState struct {
	State  string // of River: available, running, retryable, completed, …
	Count  int
	Oldest time.Time // earliest time at which one of them was due
}

// Backlog counts the jobs of the queue by state.
func (s *Store) Backlog(ctx context.Context) ([]JobState, error) {
	return many(ctx, s, "backlog", func(row scanner) (b JobState, err error) {
		return b, row.Scan(&b.State, &b.Count, (*timestamp)(&b.Oldest))
	}, `SELECT state, count(*), min(scheduled_at) FROM river_job GROUP BY state ORDER BY state`)
}

// maxInterruptions is how many interrupted attempts of a video are given back. Later ones count, so a clip that crashes
// the program every time ends as failed.
const maxInterruptions = 20

// RecoverInterrupted makes all running jobs available again and returns how many. Call it only while no worker runs: at
// the start of the only process on an embedded database.
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

// Held lists the jobs that the queue has as running, with the lease and heartbeat of their unfinished videos.
func (s *Store) Held(ctx context.Context) ([]contest.RunningJob, error) {
	return many(ctx, s, "held", func(row scanner) (h contest.RunningJob, err error) {
		return h, row.Scan(&h.VideoID, &h.TaskID, &h.HolderID, &h.Attempt, &h.Heartbeat)
	}, `
		SELECT v.id, v.task_id, v.holder, j.attempt, v.beat
		FROM videos AS v JOIN river_job AS j ON j.id = CAST(v.task_id AS BIGINT)
		WHERE v.status IN ('uploaded', 'processing') AND j.state = 'running'`)
}

// TakeOver takes over the lease of a running job: it cancels the job and gives the video a new one. If holder or
// heartbeat have changed since h was read, it changes nothing and returns contest.ErrNothingToDo, because a worker is
// alive. A worker that comes back later no longer has the lease or a running job. The interrupted attempt is given
// back, up to maxInterruptions times, because the clip did not cause it.
func (s *Store) TakeOver(ctx context.Context, h contest.RunningJob) error {
	return s.write(ctx, "take_over", func(ctx context.Context, tx *sql.Tx) error {
		if err := s.keepPlayerOf(ctx, tx, h.VideoID); err != nil {
			return err
		}
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

// Promote gives priority 1 to the jobs that have been due since before the given time, so that fair queueing cannot
// delay a job without limit. It skips jobs that another transaction has locked, and returns how many it promoted.
func (s *Store) Promote(ctx context.Context, before time.Time) (promoted int64, err error) {
	err = s.write(ctx, "promote", func(ctx context.Context, tx *sql.Tx) error {
		late := s.locking(`SELECT id FROM river_job WHERE state = 'available' AND priority > 1 AND scheduled_at < $1`, `FOR UPDATE SKIP LOCKED`)
		result, err := tx.ExecContext(ctx, `UPDATE river_job SET priority = 1 WHERE id IN (`+late+`)`, queueTime(before)) //nolint:gosec // fixed texts
		if err != nil {
			return err
		}
		promoted, err = result.RowsAffected()
		return err
	})
	return promoted, err
}

// queueTime formats a time as the job queue does on SQLite. PostgreSQL reads that format too.
func queueTime(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05.000") }

package store

import (
	"context"
	"database/sql"
	"time"
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

// maxInterruptions is how often a job that a dead program left running is given its attempt back. Beyond it attempts
// count again, so a clip that brings the program down every time ends as failed.
const maxInterruptions = 20

// RecoverInterrupted makes the jobs that a dead program left running available again, and returns how many there
// were. It is right only while nobody works on them: at the start of the only program on an embedded database, for
// which alone it is written.
func (s *Store) RecoverInterrupted(ctx context.Context) (recovered int64, err error) {
	err = s.write(ctx, "recover_interrupted", func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `
			UPDATE river_job
			SET state = 'available',
				attempt = CASE WHEN COALESCE(json_extract(metadata, '$.interruptions'), 0) < $1
					THEN max(attempt - 1, 0) ELSE attempt END,
				metadata = jsonb_set(metadata, '$.interruptions',
					COALESCE(json_extract(metadata, '$.interruptions'), 0) + 1)
			WHERE state = 'running'`, maxInterruptions)
		if err != nil {
			return err
		}
		recovered, err = result.RowsAffected()
		return err
	})
	return recovered, err
}

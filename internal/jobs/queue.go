// Package jobs runs the work that follows an upload: the client of the job queue (River), the workers, the takeover
// of dead workers' jobs, and the reconciliation of videos with the queue.
package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"

	"risingstars/internal/contest"
)

const (
	// queueName is the River queue of all jobs.
	queueName = "videos"

	// MaxAttempts is how often a video is attempted before it fails permanently.
	MaxAttempts = 5
)

// Database is where the queue is stored: in the contest's own database, so that one transaction commits a row and its
// job.
type Database struct {
	driver   riverdriver.Driver[*sql.Tx]
	complete func(context.Context, *sql.Tx, *river.Job[contest.ProcessVideo]) error
	told     bool // the database notifies workers of new jobs, so they poll less often
}

// SQLite is the queue in an SQLite database, on the store's writer connection.
func SQLite(db *sql.DB) Database {
	return Database{driver: riversqlite.New(db), complete: completeTx[*riversqlite.Driver]}
}

// Postgres is the queue in a PostgreSQL database. Workers are notified of new jobs (LISTEN/NOTIFY) on a connection of
// listener, which may be nil for a process that only enqueues.
func Postgres(db *sql.DB, listener *pgxpool.Pool) Database {
	d := Database{driver: riverdatabasesql.New(db), complete: completeTx[*riverdatabasesql.Driver]}
	if listener != nil {
		d.driver, d.told = riverdatabasesql.NewWithPgxListener(db, listener), true
	}
	return d
}

// completeTx completes a job as part of a transaction. If the job was deleted or taken over by another run,
// completing it is not necessary, and the video's change commits all the same.
func completeTx[D riverdriver.Driver[*sql.Tx]](ctx context.Context, tx *sql.Tx, job *river.Job[contest.ProcessVideo]) error {
	if _, err := river.JobCompleteTx[D](ctx, tx, job); err != nil && !errors.Is(err, rivertype.ErrNotFound) {
		return fmt.Errorf("complete the job: %w", err)
	}
	return nil
}

// Queue enqueues jobs. It runs none.
type Queue struct{ client *river.Client[*sql.Tx] }

// NewQueue returns a Queue on the database.
func NewQueue(db Database) (*Queue, error) {
	client, err := river.NewClient(db.driver, &river.Config{})
	if err != nil {
		return nil, fmt.Errorf("prepare the job queue: %w", err)
	}
	return &Queue{client}, nil
}

// EnqueueTx enqueues a job as part of a transaction and returns its id. before is the number of unfinished videos of
// the same player: the more there are, the lower the job's priority. The job continues the trace of ctx.
func (q *Queue) EnqueueTx(ctx context.Context, tx *sql.Tx, job contest.ProcessVideo, before int) (string, error) {
	entered, err := q.client.InsertTx(ctx, tx, job, &river.InsertOpts{
		MaxAttempts: MaxAttempts, Queue: queueName, Priority: turn(before), Metadata: traceOf(ctx),
	})
	if err != nil {
		return "", fmt.Errorf("enter a job: %w", err)
	}
	return strconv.FormatInt(entered.Job.ID, 10), nil
}

// turn returns a job's priority, from 1 (first) to 4. It implements fair queueing: every player's first video comes
// before any player's second.
func turn(before int) int {
	switch {
	case before == 0:
		return 1
	case before <= 2:
		return 2
	case before <= 9:
		return 3
	default:
		return 4
	}
}

// Package jobs runs the work that follows an upload: the job queue's client, the workers, and what keeps a job from
// being forgotten.
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
	// queueName is where all jobs wait.
	queueName = "videos"

	// MaxAttempts is how often a video is tried before it fails for good.
	MaxAttempts = 5
)

// Database is where the queue lives: in the contest's own database, so that a row and its job can be committed together.
type Database struct {
	driver   riverdriver.Driver[*sql.Tx]
	complete func(context.Context, *sql.Tx, *river.Job[contest.ProcessVideo]) error
	told     bool // workers hear of new jobs, and need not ask often
}

// SQLite is the queue of an embedded database, on the connection that the store writes through.
func SQLite(db *sql.DB) Database {
	return Database{driver: riversqlite.New(db), complete: completeTx[*riversqlite.Driver]}
}

// Postgres is the queue of a PostgreSQL database. Workers hear of new jobs on a connection of the listener's, which may
// be nil for who only enters jobs.
func Postgres(db *sql.DB, listener *pgxpool.Pool) Database {
	d := Database{driver: riverdatabasesql.New(db), complete: completeTx[*riverdatabasesql.Driver]}
	if listener != nil {
		d.driver, d.told = riverdatabasesql.NewWithPgxListener(db, listener), true
	}
	return d
}

// completeTx ends a job as part of a transaction. A job that somebody has removed or taken over meanwhile does not keep
// the video from being finished.
func completeTx[D riverdriver.Driver[*sql.Tx]](ctx context.Context, tx *sql.Tx, job *river.Job[contest.ProcessVideo]) error {
	if _, err := river.JobCompleteTx[D](ctx, tx, job); err != nil && !errors.Is(err, rivertype.ErrNotFound) {
		return fmt.Errorf("complete the job: %w", err)
	}
	return nil
}

// Queue enters jobs. It works none.
type Queue struct{ client *river.Client[*sql.Tx] }

// NewQueue enters jobs into the queue of a database.
func NewQueue(db Database) (*Queue, error) {
	client, err := river.NewClient(db.driver, &river.Config{})
	if err != nil {
		return nil, fmt.Errorf("prepare the job queue: %w", err)
	}
	return &Queue{client}, nil
}

// EnqueueTx enters a job as part of a transaction, and returns its id. The more videos of the same player wait before
// it, the later is its turn. The job goes on with the trace that ctx is in.
func (q *Queue) EnqueueTx(ctx context.Context, tx *sql.Tx, job contest.ProcessVideo, before int) (string, error) {
	entered, err := q.client.InsertTx(ctx, tx, job, &river.InsertOpts{
		MaxAttempts: MaxAttempts, Queue: queueName, Priority: turn(before), Metadata: traceOf(ctx),
	})
	if err != nil {
		return "", fmt.Errorf("enter a job: %w", err)
	}
	return strconv.FormatInt(entered.Job.ID, 10), nil
}

// turn is a job's priority, 1 to 4, of which the smaller comes first. It makes the queue fair: every player's first video comes
// before any player's second (fair queueing).
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

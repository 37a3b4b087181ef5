// Package jobs runs the work that follows an upload: the job queue's client, the workers, and what keeps a job from
// being forgotten.
package jobs

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"risingstars/internal/contest"
)

const (
	// queueName is where all jobs wait.
	queueName = "videos"

	// MaxAttempts is how often a video is tried before it fails for good.
	MaxAttempts = 5
)

// Queue enters jobs. It works none.
type Queue struct{ client *river.Client[*sql.Tx] }

// NewQueue enters jobs into the queue of an SQLite database.
func NewQueue(db *sql.DB) (*Queue, error) {
	client, err := river.NewClient[*sql.Tx](driver(db), &river.Config{})
	if err != nil {
		return nil, fmt.Errorf("prepare the job queue: %w", err)
	}
	return &Queue{client}, nil
}

func driver(db *sql.DB) riverdriver.Driver[*sql.Tx] { return riversqlite.New(db) }

// EnqueueTx enters a job as part of a transaction, and returns its id.
func (q *Queue) EnqueueTx(ctx context.Context, tx *sql.Tx, job contest.ProcessVideo) (string, error) {
	entered, err := q.client.InsertTx(ctx, tx, job, &river.InsertOpts{MaxAttempts: MaxAttempts, Queue: queueName})
	if err != nil {
		return "", fmt.Errorf("enter a job: %w", err)
	}
	return strconv.FormatInt(entered.Job.ID, 10), nil
}

package jobs

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"risingstars/internal/contest"
)

// Run runs a job once, without the queue.
func Run(ctx context.Context, needs Needs, job *river.Job[contest.ProcessVideo]) error {
	return (&processor{Needs: needs}).Work(ctx, job)
}

// NextRetry returns when a job is retried if its attempt fails now.
func NextRetry(job *river.Job[contest.ProcessVideo]) time.Time { return (&processor{}).NextRetry(job) }

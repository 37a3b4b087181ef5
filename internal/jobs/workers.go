package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"risingstars/internal/contest"
)

const (
	pollEvery      = 100 * time.Millisecond // poll interval where the database does not notify workers
	pollTold       = time.Second            // poll interval where it does, in case a notification is lost
	reconcileEvery = time.Minute
	reconcileAfter = 2 * time.Minute // younger videos may still be between their commits
)

// Workers run the jobs of the queue.
type Workers struct {
	client *river.Client[*sql.Tx]
	Needs
	deadAfter time.Duration
	cancel    context.CancelFunc
	rounds    sync.WaitGroup // the reconciliation and takeover loops
}

// NewWorkers prepares n workers. Stop waits for running jobs for the grace time, then returns them to the queue.
func NewWorkers(n int, grace time.Duration, needs Needs) (*Workers, error) {
	registered := river.NewWorkers()
	if err := river.AddWorkerSafely(registered, &processor{Needs: needs}); err != nil {
		return nil, fmt.Errorf("register the worker: %w", err)
	}
	poll := pollEvery
	if needs.DB.told {
		poll = pollTold
	}
	client, err := river.NewClient(needs.DB.driver, &river.Config{
		Queues:            map[string]river.QueueConfig{queueName: {MaxWorkers: n}},
		Workers:           registered,
		FetchPollInterval: poll,
		FetchCooldown:     pollEvery / 2,
		SoftStopTimeout:   max(grace, time.Millisecond), // 0 would mean no limit
		Logger:            slog.New(quiet{needs.Log.Handler()}),
		// River's own rescue must be later than any job's timeout: a takeover, which follows a stopped heartbeat, is
		// much earlier.
		RescueStuckJobsAfter: Longest + time.Hour,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the workers: %w", err)
	}
	return &Workers{client: client, Needs: needs, deadAfter: deadAfter}, nil
}

// Start starts the workers. Stop ends them; the end of ctx does not.
func (w *Workers) Start(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if err := w.client.Start(ctx); err != nil {
		return fmt.Errorf("start the workers: %w", err)
	}
	ctx, w.cancel = context.WithCancel(ctx)
	w.rounds.Go(func() { // ended by Stop
		w.every(ctx, reconcileEvery, "reconcile videos with the queue", func(ctx context.Context) error {
			return errors.Join(w.Reconcile(ctx), w.promote(ctx))
		})
	})
	w.rounds.Go(func() { w.takeOverDead(ctx) })
	return nil
}

// Stop fetches no more jobs, waits for running jobs for the grace time, and returns unfinished jobs to the queue,
// where they start again from the beginning. If ctx ends first, it cancels the running jobs.
func (w *Workers) Stop(ctx context.Context) error {
	w.cancel()
	err := w.client.Stop(ctx)
	if err != nil {
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = w.client.StopAndCancel(hard)
	}
	w.rounds.Wait()
	if err != nil {
		return fmt.Errorf("stop the workers: %w", err)
	}
	return nil
}

// every runs do at once and then once per pause, until ctx ends. Each run has a timeout of roundTime; errors are
// logged.
func (w *Workers) every(ctx context.Context, pause time.Duration, what string, do func(context.Context) error) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		limited, cancel := context.WithTimeout(ctx, roundTime)
		err := do(limited)
		cancel()
		if err != nil && ctx.Err() == nil {
			w.Log.Error("look after the queue", "what", what, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Reconcile finds unfinished videos whose job has ended or does not exist, and enqueues them again. It covers what
// normal operation cannot cause: a job that was deleted by hand, a database that was restored.
func (w *Workers) Reconcile(ctx context.Context) error {
	waiting, err := w.Store.Unfinished(ctx, w.Clock().Add(-reconcileAfter))
	if err != nil {
		return err
	}
	for _, v := range waiting {
		alive, err := w.alive(ctx, v.TaskID)
		if err != nil {
			return err
		}
		if alive {
			continue
		}
		w.Log.Warn("a video had lost its job and is queued again", "video_id", v.ID, "task_id", v.TaskID)
		if err := w.Store.Restart(ctx, v.ID, v.TaskID); err != nil && !errors.Is(err, contest.ErrNothingToDo) {
			return err
		}
	}
	return nil
}

func (w *Workers) alive(ctx context.Context, taskID string) (bool, error) {
	id, err := strconv.ParseInt(taskID, 10, 64)
	if err != nil {
		return false, nil //nolint:nilerr // no job has such an id
	}
	job, err := w.client.JobGet(ctx, id)
	if errors.Is(err, rivertype.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up job %d: %w", id, err)
	}
	return job.FinalizedAt == nil, nil
}

// quiet passes on the warnings and errors of River's log. Its routine messages are dropped, because the workers log
// these events themselves.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

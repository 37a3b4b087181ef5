package jobs

import (
	"context"
	"errors"
	"time"

	"risingstars/internal/contest"
)

const (
	beatEvery  = 3 * time.Second
	lookEvery  = 5 * time.Second
	deadAfter  = 30 * time.Second // without a heartbeat
	roundTime  = 30 * time.Second // timeout of one round of reconciliation or takeover
	promoteAge = 10 * time.Minute // a job that has waited longer gets the highest priority
)

// SignOfLife is the time within which a live run has sent a heartbeat, even on a busy machine.
const SignOfLife = 2*beatEvery + time.Second

var errReplaced = errors.New("another run has taken the video over")

// beat sends the heartbeat of a run: every beatEvery it renews the run's lease of the video. It cancels a run that
// has lost its lease, because of a takeover or because the video was deleted. The returned function stops the
// heartbeat and waits for its end.
func (t *task) beat(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	ctx, end := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { // ended by stop
		defer close(done)
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			err := t.Store.Beat(ctx, t.hold, int(t.progress.Load()))
			if errors.Is(err, contest.ErrNothingToDo) {
				cancel(errReplaced)
				return
			}
			if err != nil && ctx.Err() == nil {
				t.Log.Warn("keep hold of a video", "video_id", t.id, "task_id", t.taskID, "error", err)
			}
		}
	}()
	return func() {
		end()
		<-done
	}
}

// sighting records since when a job's lease has not changed, by this process's own clock. Clocks of different hosts
// are never compared.
type sighting struct {
	held  contest.RunningJob
	since time.Time
}

// takeOverDead performs the takeover: every lookEvery it looks for running jobs whose heartbeat has stopped for
// deadAfter, and makes them available to other workers.
func (w *Workers) takeOverDead(ctx context.Context) {
	seen, looked := map[int64]sighting{}, time.Now()
	w.every(ctx, lookEvery, "take over the jobs of the dead", func(ctx context.Context) error {
		now := time.Now()
		running, err := w.Store.Held(ctx)
		if err != nil || now.Sub(looked) > 2*lookEvery {
			clear(seen) // while the database was unavailable, no worker could send a heartbeat: start again
		}
		looked = now
		if err != nil {
			return err
		}
		next := make(map[int64]sighting, len(running))
		for _, h := range running {
			before, ok := seen[h.VideoID]
			if !ok || before.held != h {
				before = sighting{h, now}
			}
			next[h.VideoID] = before
			if now.Sub(before.since) < w.deadAfter {
				continue
			}
			if err := w.takeOver(ctx, h); err != nil {
				return err
			}
		}
		seen = next
		return nil
	})
}

func (w *Workers) takeOver(ctx context.Context, h contest.RunningJob) error {
	err := w.Store.TakeOver(ctx, h)
	if errors.Is(err, contest.ErrNothingToDo) {
		return nil // the worker is alive, or another process was faster
	}
	if err == nil {
		w.Log.Warn("took over the job of a worker that is dead", "video_id", h.VideoID, "task_id", h.TaskID)
	}
	return err
}

// promote gives jobs that have waited for promoteAge the highest priority, so that fair queueing does not starve
// them.
func (w *Workers) promote(ctx context.Context) error {
	_, err := w.Store.Promote(ctx, w.Clock().Add(-promoteAge))
	return err
}

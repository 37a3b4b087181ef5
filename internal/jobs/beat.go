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
	deadAfter  = 30 * time.Second // without a beat
	roundTime  = 30 * time.Second // what one look after the queue may take
	promoteAge = 10 * time.Minute // how long a job waits at most for those with an earlier turn
)

// SignOfLife is the time within which a run that lives has beaten, on a busy machine too.
const SignOfLife = 2*beatEvery + time.Second

var errReplaced = errors.New("another run has taken the video over")

// beat sends the heartbeat of a run: every beatEvery it renews the run's lease of the video. It ends a run that has lost its
// lease, because of a takeover or because the video was deleted. The function that it returns ends the heartbeat.
func (t *task) beat(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	ctx, end := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { // ends with stop
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

// sighting is when a job was first seen in a state that has not changed since, by this process's own clock: the clocks
// of hosts are never compared.
type sighting struct {
	held  contest.RunningJob
	since time.Time
}

// takeOverDead performs the takeover: again and again it looks for running jobs whose heartbeat has stopped, and makes them
// available.
func (w *Workers) takeOverDead(ctx context.Context) {
	seen, looked := map[int64]sighting{}, time.Now()
	w.every(ctx, lookEvery, "take over the jobs of the dead", func(ctx context.Context) error {
		now := time.Now()
		running, err := w.Store.Held(ctx)
		if err != nil || now.Sub(looked) > 2*lookEvery {
			clear(seen) // while nobody could look, nobody could beat either: begin to watch anew
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
		return nil // it lives, or another process was faster
	}
	if err == nil {
		w.Log.Warn("took over the job of a worker that is dead", "video_id", h.VideoID, "task_id", h.TaskID)
	}
	return err
}

// promote sees that a late turn comes all the same.
func (w *Workers) promote(ctx context.Context) error {
	_, err := w.Store.Promote(ctx, w.Clock().Add(-promoteAge))
	return err
}

package jobs

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"risingstars/internal/contest"
)

const (
	beatEvery  = 3 * time.Second
	lookEvery  = 5 * time.Second
	deadAfter  = 30 * time.Second // without a beat
	promoteAge = 10 * time.Minute // how long a job waits at most for those with an earlier turn
)

// errReplaced ends a run whose video another run has taken over.
var errReplaced = errors.New("another run has taken the video over")

// pulse is what tells a run that gets on from one that hangs.
type pulse struct {
	needed   atomic.Bool  // FFmpeg works, and must move for the run to count as alive
	moves    atomic.Int64 // what FFmpeg has reported so far
	progress atomic.Int64 // per cent
}

func (p *pulse) feel() { p.moves.Add(1) }

// beat keeps the run's hold on the video for as long as it gets on, and ends a run that has lost it: because it was taken
// for dead, or because the video is gone. The function that it returns ends the beat.
func (t *task) beat(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	ctx, end := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { // ends with stop
		defer close(done)
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		felt := int64(-1)
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			moves := t.pulse.moves.Load()
			if t.pulse.needed.Load() && moves == felt {
				continue
			}
			felt = moves
			err := t.Store.Beat(ctx, t.hold, int(t.pulse.progress.Load()))
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
	held  contest.Held
	since time.Time
}

// takeOverDead looks again and again for jobs on which nobody works any more, and makes them available.
func (w *Workers) takeOverDead(ctx context.Context) {
	seen := map[int64]sighting{}
	w.every(ctx, lookEvery, "take over the jobs of the dead", func(ctx context.Context) error {
		now := time.Now()
		running, err := w.Store.Held(ctx)
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

func (w *Workers) takeOver(ctx context.Context, h contest.Held) error {
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

package media

import (
	"context"
	"time"
)

// stallChecks is how often a program is looked at before it counts as stalled.
const stallChecks = 60

// stallWatch decides whether a program makes progress: it does if it writes frames, or if it uses a thousandth of a
// processor. So a program that waits for a processor on a busy machine is not stalled, and one whose threads wait for each
// other is, although FFmpeg then still reports that nothing has changed. Looks are counted, not time: a supervisor that was
// itself suspended does not take its program for stalled.
type stallWatch struct {
	least  time.Duration // processor time that counts as progress
	cpu    time.Duration // when there was progress last
	frames int64         // when there was progress last
	idle   int           // looks without progress in a row
}

// look notes what a program has used and written so far, and returns true if it is stalled.
func (w *stallWatch) look(cpu time.Duration, frames int64) bool {
	if cpu >= w.cpu+w.least || frames > w.frames {
		w.cpu, w.frames, w.idle = cpu, frames, 0
		return false
	}
	w.idle++
	return w.idle >= stallChecks
}

// watchForStall cancels a run whose program makes no progress for as long as the limit says. The function that it
// returns ends the watch.
func (c command) watchForStall(pid int, cancel context.CancelCauseFunc) (end func()) {
	if c.Limits.Stall == 0 {
		return func() {}
	}
	ended, done := make(chan struct{}), make(chan struct{})
	go func() { // ends with end
		defer close(done)
		tick := time.NewTicker(max(1, c.Limits.Stall/stallChecks))
		defer tick.Stop()
		watch := stallWatch{least: max(1, c.Limits.Stall/1000)}
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
			}
			var frames int64
			if c.Frames != nil {
				frames = c.Frames()
			}
			if cpu, known := cpuTime(pid); known && watch.look(cpu, frames) {
				cancel(errStall)
				return
			}
		}
	}()
	return func() {
		close(ended)
		<-done
	}
}

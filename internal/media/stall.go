package media

import (
	"context"
	"time"
)

// stallChecks is the number of consecutive checks without progress after which a program counts as stalled.
const stallChecks = 60

// stallWatch detects a stall. A program makes progress if it writes frames or uses at least a thousandth of a
// processor. So a program that waits for a processor on a busy machine is not stalled; one whose threads are
// deadlocked is, although FFmpeg still prints progress reports. It counts checks instead of time: if this process
// itself was suspended, the program does not count as stalled.
type stallWatch struct {
	least  time.Duration // processor time that counts as progress
	cpu    time.Duration // at the last progress
	frames int64         // at the last progress
	idle   int           // consecutive checks without progress
}

// look records the processor time and frames so far, and returns true if the program is stalled.
func (w *stallWatch) look(cpu time.Duration, frames int64) bool {
	if cpu >= w.cpu+w.least || frames > w.frames {
		w.cpu, w.frames, w.idle = cpu, frames, 0
		return false
	}
	w.idle++
	return w.idle >= stallChecks
}

// watchForStall cancels a run whose program makes no progress for Limits.Stall. The returned function ends the check.
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

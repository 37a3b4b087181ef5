package media

import (
	"context"
	"io"
	"sync/atomic"
	"time"
)

// stallChecks is how often a program is looked at before it counts as stalled.
const stallChecks = 60

// stallWatch decides whether a program makes progress: it does if it has used processor time or written something since
// the last look. So a program that waits for a processor on a busy machine is not stalled, as long as it gets one
// now and then. Looks are counted, not time: a supervisor that was itself suspended does not take its program for stalled.
type stallWatch struct {
	cpu     time.Duration
	written int64
	idle    int // looks without progress in a row
}

// look notes what a program has used and written so far, and returns true if it is stalled.
func (w *stallWatch) look(cpu time.Duration, written int64) bool {
	if cpu != w.cpu || written != w.written {
		*w = stallWatch{cpu: cpu, written: written}
		return false
	}
	w.idle++
	return w.idle >= stallChecks
}

// watchForStall cancels a run whose program makes no progress for as long as the limit says. The function that it
// returns ends the watch.
func (c command) watchForStall(pid int, written *countingWriter, cancel context.CancelCauseFunc) (end func()) {
	if c.Limits.Stall == 0 {
		return func() {}
	}
	ended, done := make(chan struct{}), make(chan struct{})
	go func() { // ends with end
		defer close(done)
		tick := time.NewTicker(max(1, c.Limits.Stall/stallChecks))
		defer tick.Stop()
		var watch stallWatch
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
			}
			cpu, known := cpuTime(pid)
			if known && watch.look(cpu, written.count.Load()) {
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

// countingWriter counts the bytes that pass through it.
type countingWriter struct {
	to    io.Writer
	count atomic.Int64
}

func (w *countingWriter) Write(p []byte) (int, error) {
	w.count.Add(int64(len(p)))
	return w.to.Write(p)
}

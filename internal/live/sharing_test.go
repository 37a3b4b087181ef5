package live

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// Calls that arrive during a run share the one next run, which begins after all of them.
func TestSharing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s sharing
		var begun, ended atomic.Int64
		first := make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() { s.do(func() { begun.Add(1); <-first }) })
		synctest.Wait()
		for range 10 {
			group.Go(func() {
				s.do(func() { begun.Add(1) })
				if begun.Load() != 2 {
					t.Error("told that it was done before it had begun")
				}
				ended.Add(1)
			})
		}
		synctest.Wait()
		if begun.Load() != 1 || ended.Load() != 0 {
			t.Errorf("%d begun, %d of the others have ended while the first goes on", begun.Load(), ended.Load())
		}

		close(first)
		group.Wait()

		if begun.Load() != 2 || ended.Load() != 10 {
			t.Errorf("%d begun, want 2; %d ended, want 10", begun.Load(), ended.Load())
		}
		s.do(func() { begun.Add(1) })
		if begun.Load() != 3 {
			t.Error("one alone is not done")
		}
	})
}

package live

import "sync"

// sharing coalesces calls: concurrent callers share one run that begins after all of them have called. (singleflight
// would also give them a run that had begun before, which is wrong for an invalidation.) The zero value is ready to
// use.
type sharing struct {
	mu   sync.Mutex
	last chan struct{} // closed when the latest run that has begun ends; nil before the first
	next chan struct{} // the same for the run that has not begun; nil if there is none
}

// do returns when a run of f that began after this call has ended. The run may be another caller's.
func (s *sharing) do(f func()) {
	s.mu.Lock()
	if next := s.next; next != nil {
		s.mu.Unlock()
		<-next
		return
	}
	ended, last := make(chan struct{}), s.last
	s.next = ended
	s.mu.Unlock()
	defer close(ended)
	if last != nil {
		<-last
	}
	s.mu.Lock()
	s.last, s.next = ended, nil
	s.mu.Unlock()
	f()
}

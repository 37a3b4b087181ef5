package live

import "sync"

// sharing coalesces calls: callers who want the same done share one run that begins after all of them have asked. (singleflight
// would also give them a run that had begun before.) The zero value is ready.
type sharing struct {
	mu   sync.Mutex
	last chan struct{} // closed when the latest that has begun has ended; nil before the first
	next chan struct{} // the same for the one that has not begun yet; nil where there is none
}

// do returns when f, or another caller's, has run that began after do was called.
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

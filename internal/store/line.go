package store

import "sync"

// line is a leader/follower queue: callers wait while the leader works for a batch of them. The first caller of an
// empty queue becomes the leader. It takes the batch that waits by then, and afterwards promotes the first caller that
// has come since.
type line[T any] struct {
	mu      sync.Mutex
	waiting []*place[T]
	led     bool // there is a leader, which will promote the first waiter
}

// place is one caller in the queue. The leader wakes it when its work is done, or to promote it.
type place[T any] struct {
	of   T
	wake chan bool // true: promoted; false: done
}

// join enqueues the caller and blocks. It returns true if the caller is the leader, and false once a leader has done
// its work.
func (l *line[T]) join(of T) (leads bool) {
	p := &place[T]{of: of, wake: make(chan bool, 1)}
	return l.stand(p) || <-p.wake
}

func (l *line[T]) stand(p *place[T]) (leads bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, p)
	leads = !l.led
	l.led = true
	return leads
}

// next takes a batch from the queue: the leader, which is the first, and the callers behind it, at most so many in all.
// The leader must call done with the batch.
func (l *line[T]) next(most int) (batch []*place[T]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.waiting), most)
	batch = l.waiting[:n:n]
	l.waiting = l.waiting[n:]
	return batch
}

// done wakes the followers in the batch, whose work is done, and promotes the next waiter. The first of the batch is
// the leader itself.
func (l *line[T]) done(batch []*place[T]) {
	for _, p := range batch[1:] {
		p.wake <- false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.waiting, l.led = nil, false
		return
	}
	l.waiting[0].wake <- true
}

// items returns the values that the callers of a batch have enqueued.
func items[T any](batch []*place[T]) []T {
	list := make([]T, len(batch))
	for i, p := range batch {
		list[i] = p.of
	}
	return list
}

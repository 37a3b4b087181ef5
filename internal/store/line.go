package store

import "sync"

// line is a leader/follower queue: callers wait while one of them, the leader, works for all. The first caller of an empty
// line becomes the leader. It takes the batch that waits by then, and at its end promotes the first of those who have come
// since.
type line[T any] struct {
	mu      sync.Mutex
	waiting []*place[T]
	led     bool // somebody is at work, and will hand over to the first who waits
}

// place is one caller's in a line. It is woken when the leader has done its work, or to lead.
type place[T any] struct {
	of   T
	wake chan bool // true: lead; false: done
}

// join stands in line until the caller is to lead, or others have done what it came for.
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

// next takes the leader, who is the first, and those behind it, so many at most. Afterwards the leader calls done with them.
func (l *line[T]) next(most int) (batch []*place[T]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.waiting), most)
	batch = l.waiting[:n:n]
	l.waiting = l.waiting[n:]
	return batch
}

// done wakes those whose work the leader, the first of them, has done, and hands over.
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

// items are what the places of a batch are for.
func items[T any](batch []*place[T]) []T {
	list := make([]T, len(batch))
	for i, p := range batch {
		list[i] = p.of
	}
	return list
}

package store

// length is how many wait, the leader not counted once it has taken its batch.
func (l *line[T]) length() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting)
}

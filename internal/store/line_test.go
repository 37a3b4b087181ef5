package store

// length returns how many callers wait, without the batch that the leader has taken.
func (l *line[T]) length() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting)
}

// Package live holds the short-lived state that the processes of one platform share: events of videos, cached answers
// and rate limits. All of it may be lost at any moment; the database is the only source of truth.
//
// [Local] serves a single process, [Redis] any number of processes.
package live

import (
	"context"
	"sync"
	"time"

	"risingstars/internal/contest"
)

// Local shares state within one process. It is safe for concurrent use.
type Local struct {
	*events
	*cache
	*limits
}

// NewLocal returns the implementation for a single process. The clock now serves the cache and the rate limits.
func NewLocal(now func() time.Time) *Local {
	return &Local{events: newEvents(), cache: newCache(now), limits: newLimits(now)}
}

var _ contest.Live = (*Local)(nil)

// events passes the states of videos to their watchers (publish and subscribe within the process).
type events struct {
	mu       sync.Mutex
	watchers map[int64]map[*Watch]bool
	progress map[int64]int // per cent, of the videos that this process is processing
}

func newEvents() *events {
	return &events{watchers: map[int64]map[*Watch]bool{}, progress: map[int64]int{}}
}

// PublishEvent implements [contest.Live]. It never blocks on a slow watcher.
func (e *events) PublishEvent(_ context.Context, event contest.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if event.Status == contest.Processing && !event.Deleted {
		e.progress[event.VideoID] = event.Progress
	} else {
		delete(e.progress, event.VideoID)
	}
	e.tell(event)
}

// pass gives watchers an event from another process. It does not store the progress, because the final event of that
// process may never arrive.
func (e *events) pass(event contest.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tell(event)
}

// tell passes the event to the video's watchers. The caller holds the lock.
func (e *events) tell(event contest.Event) {
	for w := range e.watchers[event.VideoID] {
		w.put(event)
	}
}

// Progress returns the progress of a video's processing in per cent, or 0 if the video is not being processed or its
// progress is unknown.
func (e *events) Progress(_ context.Context, videoID int64) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.progress[videoID]
}

// Watch is a subscription to one video. A slow watcher misses intermediate states, but always gets the latest.
type Watch struct {
	events  *events
	videoID int64
	news    chan contest.Event // a buffer of one: the latest event that was not yet received
}

// Watch subscribes to a video. The caller must call Close.
func (e *events) Watch(_ context.Context, videoID int64) *Watch {
	w := &Watch{events: e, videoID: videoID, news: make(chan contest.Event, 1)}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.watchers[videoID] == nil {
		e.watchers[videoID] = map[*Watch]bool{}
	}
	e.watchers[videoID][w] = true
	return w
}

// News delivers the video's states. It is never closed.
func (w *Watch) News() <-chan contest.Event { return w.news }

// put replaces the buffered event with a later one, except that a deletion is final. The caller holds the lock, so
// there is no concurrent put and the send does not block.
func (w *Watch) put(event contest.Event) {
	select {
	case waiting := <-w.news:
		if waiting.Deleted {
			event = waiting
		}
	default:
	}
	w.news <- event
}

// Close ends the subscription. Further calls have no effect.
func (w *Watch) Close() {
	w.events.mu.Lock()
	defer w.events.mu.Unlock()
	delete(w.events.watchers[w.videoID], w)
	if len(w.events.watchers[w.videoID]) == 0 {
		delete(w.events.watchers, w.videoID)
	}
}

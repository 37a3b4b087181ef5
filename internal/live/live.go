// Package live is what the processes of one platform share for a short while: events of videos, cached answers and
// rate limits. Nothing in it is the truth; all of it may be lost at any moment, and the database knows better.
//
// [Local] serves a single process, [Redis] as many as there are.
package live

import (
	"context"
	"sync"
	"time"

	"risingstars/internal/contest"
)

// Local shares within one process. It is safe for use by several goroutines.
type Local struct {
	*events
	*cache
	*limits
}

// NewLocal makes a twin for a single process.
func NewLocal(now func() time.Time) *Local {
	return &Local{events: newEvents(), cache: newCache(now), limits: newLimits(now)}
}

var _ contest.Live = (*Local)(nil)

// events passes videos' states on to those who watch.
type events struct {
	mu       sync.Mutex
	watchers map[int64]map[*Watch]bool
	progress map[int64]int // of the videos being processed
}

func newEvents() *events {
	return &events{watchers: map[int64]map[*Watch]bool{}, progress: map[int64]int{}}
}

// PublishEvent implements [contest.Live]. It never waits for a watcher.
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

// pass gives watchers an event of another process, whose end this one may never hear of.
func (e *events) pass(event contest.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tell(event)
}

// tell is for who holds the lock.
func (e *events) tell(event contest.Event) {
	for w := range e.watchers[event.VideoID] {
		w.put(event)
	}
}

// Progress is how far the processing of a video has come, in per cent; 0 if it is not being processed, or nothing is
// known.
func (e *events) Progress(_ context.Context, videoID int64) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.progress[videoID]
}

// Watch follows one video. A watcher who is slow misses states in between, never the latest.
type Watch struct {
	events  *events
	videoID int64
	news    chan contest.Event // holds the latest event until it is taken
}

// Watch begins to follow a video. Whoever watches calls Close in the end.
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

// put replaces the waiting event by a later one; nothing comes after a deletion. The caller holds the lock, so nobody
// else puts.
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

// Close ends the watch.
func (w *Watch) Close() {
	w.events.mu.Lock()
	defer w.events.mu.Unlock()
	delete(w.events.watchers[w.videoID], w)
	if len(w.events.watchers[w.videoID]) == 0 {
		delete(w.events.watchers, w.videoID)
	}
}

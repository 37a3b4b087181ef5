package live

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
)

func event(video int64, progress int) contest.Event {
	return contest.Event{VideoID: video, Status: contest.Processing, Progress: progress}
}

// next returns the buffered event, if there is one.
func next(w *Watch) []contest.Event {
	select {
	case e := <-w.News():
		return []contest.Event{e}
	default:
		return nil
	}
}

func TestWatchGetsTheLatest(t *testing.T) {
	t.Parallel()
	l := NewLocal(time.Now)
	first, second, other := l.Watch(t.Context(), 1), l.Watch(t.Context(), 1), l.Watch(t.Context(), 2)
	defer first.Close()
	defer second.Close()
	defer other.Close()
	for progress := range 100 { // no event is received: a blocking publisher would hang
		l.PublishEvent(t.Context(), event(1, progress))
	}
	for name, w := range map[string]*Watch{"first": first, "second": second} {
		if diff := cmp.Diff([]contest.Event{event(1, 99)}, next(w)); diff != "" {
			t.Errorf("%s watcher (-want +got):\n%s", name, diff)
		}
		if got := next(w); got != nil {
			t.Errorf("%s watcher gets it twice: %v", name, got)
		}
	}
	if got := next(other); got != nil {
		t.Errorf("watcher of another video: got %v", got)
	}
}

func TestWatchBeginsWithWhatComes(t *testing.T) {
	t.Parallel()
	l := NewLocal(time.Now)
	l.PublishEvent(t.Context(), event(1, 10))
	w := l.Watch(t.Context(), 1)
	defer w.Close()
	if got := next(w); got != nil {
		t.Errorf("got %v from before the watch", got)
	}
}

func TestCloseEndsAWatch(t *testing.T) {
	t.Parallel()
	l := NewLocal(time.Now)
	closed, open := l.Watch(t.Context(), 1), l.Watch(t.Context(), 1)
	closed.Close()
	closed.Close() // Close is idempotent
	l.PublishEvent(t.Context(), event(1, 10))
	if got := next(closed); got != nil {
		t.Errorf("closed: got %v", got)
	}
	if got := next(open); got == nil {
		t.Error("open: got nothing")
	}
	open.Close()
	if len(l.watchers) != 0 {
		t.Errorf("watchers stay: %v", l.watchers)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	ends := map[string]contest.Event{
		"processed": {VideoID: 1, Status: contest.Processed, Progress: 100},
		"failed":    {VideoID: 1, Status: contest.Failed},
		"again":     {VideoID: 1, Status: contest.Uploaded},
		"deleted":   {VideoID: 1, Status: contest.Processing, Deleted: true},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := NewLocal(time.Now)
			got := []int{l.Progress(t.Context(), 1)}
			for _, e := range []contest.Event{event(1, 7), event(2, 50), event(1, 42), end} {
				l.PublishEvent(t.Context(), e)
				got = append(got, l.Progress(t.Context(), 1))
			}
			if diff := cmp.Diff([]int{0, 7, 7, 42, 0}, got); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
			if len(l.progress) != 1 {
				t.Errorf("kept for videos that are over: %v", l.progress)
			}
		})
	}
}

// In every interleaving of publishers and watchers, each watcher's last event is the last one published.
func TestWatchersAndAnnouncersAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // its deadlock detection fails a watcher that hangs
		l := NewLocal(time.Now)
		last := contest.Event{VideoID: 1, Status: contest.Processed, Progress: 100}
		var announcers, watchers sync.WaitGroup
		for range 8 {
			w := l.Watch(t.Context(), 1)
			watchers.Go(func() {
				defer w.Close()
				for <-w.News() != last { //nolint:revive // takes what comes
				}
			})
			watchers.Go(func() { // subscribes and unsubscribes
				for range 50 {
					l.Watch(t.Context(), 1).Close()
				}
			})
		}
		for range 4 {
			announcers.Go(func() {
				for progress := range 100 {
					l.PublishEvent(t.Context(), event(1, progress))
					l.Progress(t.Context(), 1)
				}
			})
		}
		announcers.Wait()
		l.PublishEvent(t.Context(), last)
		watchers.Wait()
		if len(l.watchers) != 0 {
			t.Errorf("watchers stay: %v", l.watchers)
		}
	})
}

func TestNothingComesAfterADeletion(t *testing.T) {
	t.Parallel()
	l := NewLocal(time.Now)
	w := l.Watch(t.Context(), 1)
	defer w.Close()
	deleted := contest.Event{VideoID: 1, Deleted: true}
	l.PublishEvent(t.Context(), deleted)
	l.PublishEvent(t.Context(), event(1, 50)) // of a run that has not seen the deletion
	if diff := cmp.Diff([]contest.Event{deleted}, next(w)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

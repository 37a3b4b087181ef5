package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"risingstars/internal/contest"
)

// A client of a PostgreSQL that hangs, or whose host has disappeared, gets no error and waits. With these times a call
// waits at most 2 s for a server that does not answer.
const (
	lookEvery  = 100 * time.Millisecond
	waitBefore = 400 * time.Millisecond  // age of a waiting call from which the server is pinged
	answerTime = 1300 * time.Millisecond // limit for the answer to a ping
)

var errSilent = errors.New("the server does not answer")

// watchman is the health monitor of PostgreSQL. While a call waits long, it pings the server. If the server does not
// answer, it cancels all waiting calls and refuses new ones until the server answers. A call that is only slow, on a
// server that answers pings, goes on.
type watchman struct {
	ask  func(context.Context) error
	stop context.CancelFunc
	done chan struct{}

	mu      sync.Mutex
	silent  bool
	waiting map[*waiting]bool
}

type waiting struct {
	since time.Time
	end   context.CancelCauseFunc
}

// newWatchman starts a health monitor that pings through db, until close.
func newWatchman(db *sql.DB) *watchman {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watchman{ask: db.PingContext, stop: cancel, done: make(chan struct{}), waiting: map[*waiting]bool{}}
	go func() { // ends with close
		defer close(w.done)
		w.watch(ctx)
	}()
	return w
}

func (w *watchman) close() {
	w.stop()
	<-w.done
}

// guard registers a call. The call must use the returned context, and pass its error to ended, which unregisters it and
// turns a cancellation by the health monitor into [contest.ErrUnavailable]. Without a health monitor guard changes
// nothing.
func (w *watchman) guard(ctx context.Context) (guarded context.Context, ended func(error) error) {
	if w == nil {
		return ctx, func(err error) error { return err }
	}
	guarded, cancel := context.WithCancelCause(ctx)
	call := &waiting{since: time.Now(), end: cancel}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.silent {
		cancel(errSilent)
	}
	w.waiting[call] = true
	return guarded, func(err error) error {
		w.mu.Lock()
		delete(w.waiting, call)
		w.mu.Unlock()
		if err != nil && errors.Is(context.Cause(guarded), errSilent) {
			err = fmt.Errorf("%w: %w", contest.ErrUnavailable, errSilent)
		}
		cancel(nil)
		return err
	}
}

func (w *watchman) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !w.doubts() {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, answerTime)
		err := w.ask(limited)
		cancel()
		_, answered := errors.AsType[*pgconn.PgError](err) // an error is an answer too
		w.conclude(err != nil && !answered)
	}
}

// doubts reports whether the server is to be pinged: a call has waited longer than waitBefore, or the last ping failed.
func (w *watchman) doubts() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.silent {
		return true
	}
	for call := range w.waiting {
		if time.Since(call.since) > waitBefore {
			return true
		}
	}
	return false
}

func (w *watchman) conclude(silent bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = silent
	if !silent {
		return
	}
	for call := range w.waiting {
		call.end(errSilent)
	}
}

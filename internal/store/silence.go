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

// A PostgreSQL whose host has gone, or that hangs, refuses nothing: who asks it waits. These are chosen so that no call
// waits longer than two seconds for one that has fallen silent.
const (
	lookEvery  = 100 * time.Millisecond
	waitBefore = 400 * time.Millisecond  // how long somebody waits until the server is asked whether it lives
	answerTime = 1300 * time.Millisecond // how long it may take to say so
)

var errSilent = errors.New("the server does not answer")

// watchman is the health monitor of PostgreSQL. It ends the calls that wait for a server which does not answer, and refuses
// new ones until it does. A call that is merely slow, on a server that answers others, is left alone.
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

// newWatchman watches a server through a pool of its own until close.
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

// guard returns the context to call the server with, and what has to be called with the outcome. Without a watchman it
// changes nothing.
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
		_, answered := errors.AsType[*pgconn.PgError](err) // be it to say no
		w.conclude(err != nil && !answered)
	}
}

// doubts reports whether somebody has waited long enough to ask.
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

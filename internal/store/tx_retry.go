package store

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// writeTime bounds a transaction that writes, its retries included.
const writeTime = 30 * time.Second

// A transaction that lost against another has so many attempts in all. Before each retry it waits, twice as long each time, and for
// a random part of that, so that the two do not meet again.
const (
	maxAttempts  = 6
	firstBackoff = 10 * time.Millisecond
)

// retrier commits operations on PostgreSQL, each in a transaction of its own, and retries those that lost against others until ctx ends.
// An operation may therefore be called more than once. It must have no effects but those of its transaction, and what it tells its caller
// must be what its last call found; effects outside the database come after the commit. A transaction that may have been committed is
// not retried ([errUnsure]).
type retrier struct {
	db      *sql.DB
	observe func(took time.Duration, err error) // is told of each attempt that is followed by another
}

func (r retrier) run(ctx context.Context, do func(context.Context, *sql.Tx) error) error {
	for attempt := 1; ; attempt++ {
		begin := time.Now()
		err := inTransaction(ctx, r.db, func(tx *sql.Tx) error { return do(ctx, tx) })
		if attempt == maxAttempts || !lost(err) {
			return err
		}
		r.observe(time.Since(begin), err)
		select {
		case <-time.After(backoff(attempt)):
		case <-ctx.Done():
			return err
		}
	}
}

func backoff(attempt int) time.Duration {
	longest := firstBackoff << (attempt - 1)
	return longest/2 + rand.N(longest/2) //nolint:gosec // no secret
}

// errConflict ends a transaction that would otherwise wait for another in the wrong order of locks.
var errConflict = errors.New("another transaction was first")

// lost reports whether a transaction lost against another and may win if it is retried: the store ended it, or PostgreSQL did, as a
// deadlock (40P01) or a serialization failure (40001). Nothing of it was committed.
func lost(err error) bool {
	failed, ok := errors.AsType[*pgconn.PgError](err)
	return errors.Is(err, errConflict) || ok && (failed.Code == "40P01" || failed.Code == "40001")
}

// pooled runs writers on a pool of connections, each in a transaction of its own. As on SQLite, what was begun does not end with the
// caller's context.
type pooled struct {
	retrier

	watch *watchman
}

func (p pooled) run(ctx context.Context, do func(context.Context, *sql.Tx) error) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	ctx, ended := p.watch.guard(ctx)
	defer func() { err = ended(err) }() // after a panic as well
	return p.retrier.run(ctx, do)
}

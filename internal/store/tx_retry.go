package store

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// writeTime bounds a writing transaction, its retries included.
const writeTime = 30 * time.Second

// A transaction that PostgreSQL aborts because of another one is tried up to maxAttempts times. The backoff before each
// retry doubles, and half of it is random, so that the two transactions do not collide again.
const (
	maxAttempts  = 6
	firstBackoff = 10 * time.Millisecond
)

// retrier runs operations on PostgreSQL, each in its own transaction. It retries those that lost a conflict with
// another transaction ([lost]), with backoff, until ctx ends. So do may be called more than once: it must have no
// effects outside its transaction, and must set its results again at each call. A transaction that may have been
// committed is not retried ([errUnsure]).
type retrier struct {
	db      *sql.DB
	observe func(took time.Duration, err error) // is called for each attempt that is retried
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

// errConflict aborts a transaction that would otherwise wait for a row lock against the lock order.
var errConflict = errors.New("another transaction was first")

// lost reports whether a transaction lost a conflict with another one and may succeed if it is retried: the store has
// aborted it ([errConflict]), or PostgreSQL has, as a deadlock (40P01) or a serialization failure (40001). Nothing of
// it was committed.
func lost(err error) bool {
	failed, ok := errors.AsType[*pgconn.PgError](err)
	return errors.Is(err, errConflict) || ok && (failed.Code == "40P01" || failed.Code == "40001")
}

// pooled runs each write in its own transaction on a pool of connections. As on SQLite, cancelling the caller's context
// does not end the write.
type pooled struct {
	retrier

	watch *watchman
}

func (p pooled) run(ctx context.Context, do func(context.Context, *sql.Tx) error) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	ctx, ended := p.watch.guard(ctx)
	defer func() { err = ended(err) }() // also after a panic
	return p.retrier.run(ctx, do)
}

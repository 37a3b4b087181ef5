package store

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"strings"
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

// lost reports whether a transaction lost against another and may win if it is retried: the store ended it, or PostgreSQL did, as a
// deadlock (40P01) or a serialization failure (40001). Nothing of it was committed.
//
// PostgreSQL has a race of its own (seen in 15.18 and 17.10), which ends a transaction with an internal error: if one rolls back its UPDATE
// of a row that is locked FOR KEY SHARE, another's UPDATE of the row at that moment takes the first for a second updater.
func lost(err error) bool {
	if errors.Is(err, errConflict) {
		return true
	}
	failed, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (failed.Code == "40P01" || failed.Code == "40001" ||
		failed.Code == "XX000" && strings.HasPrefix(failed.Message, "new multixact has more than one updating member"))
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

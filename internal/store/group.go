package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"risingstars/internal/contest"
)

// group is a group commit: concurrent writers run in one transaction, each in a savepoint of its own, so one fsync
// covers all of them. A writer gets its result only after the commit. SQLite allows one writing transaction at a time,
// so all writes go through one group. PostgreSQL has one group for all votes, and one for each row that several
// operations write at once ([crowds]).
type group struct {
	db    *sql.DB
	alone writes        // retries an operation outside the batch; nil: in its own transaction on db
	watch *watchman     // health monitor; nil for none
	votes *pgxpool.Pool // for batches of pending votes only; nil: batches run in a transaction on db
	seats chan struct{} // semaphore for the groups that run at a time; nil for no limit

	observe func(took time.Duration, err error) // is called after each shared transaction; nil for none

	line line[*write]
}

// maxGroup is the largest batch. It bounds how long the first operation of a batch waits for the last.
const maxGroup = 64

// write is one operation and its result.
type write struct {
	ctx    context.Context //nolint:containedctx // lives as long as the call
	do     func(context.Context, *sql.Tx) error
	ballot *ballot // pending vote that one statement can cast with others instead of calling do; nil for none
	err    error
}

// run returns nil once the operation is committed, and otherwise why it is not. do may be called more than once; only
// its last call counts. run ignores the cancellation of ctx, because interrupting one statement would roll back the
// whole batch.
func (g *group) run(ctx context.Context, do func(context.Context, *sql.Tx) error) error {
	return g.runWrite(context.WithoutCancel(ctx), &write{do: do})
}

// runWrite is run for a ctx that ends only at the operation's own deadline. In a group of pending votes it returns
// [errUnsure] if ctx ends before the batch does.
func (g *group) runWrite(ctx context.Context, w *write) error {
	ctx, ended := g.watch.guard(ctx)
	w.ctx = ctx
	if g.votes == nil {
		g.take(w)
		return ended(w.err)
	}
	done := make(chan struct{})
	go func() { // ends with the batch; its other votes may have later deadlines
		defer close(done)
		g.take(w)
	}()
	select {
	case <-done:
		return ended(w.err)
	case <-ctx.Done():
		return ended(fmt.Errorf("%w: %w", errUnsure, ctx.Err()))
	}
}

// take enqueues the operation and returns when it is done. The caller leads if the queue promotes it.
func (g *group) take(w *write) {
	if g.line.join(w) {
		g.lead(w)
	}
}

// lead takes a batch from the queue, its own operation first, commits it and wakes the followers. If commit panics,
// they all get that error, and the next leader is promoted all the same.
func (g *group) lead(w *write) {
	most := maxGroup
	if g.seats != nil {
		select {
		case g.seats <- struct{}{}:
			defer func() { <-g.seats }()
		case <-w.ctx.Done():
			most = 1 // only its own operation, whose time is over; the others wait for the next leader
		}
	}
	batch, finished := g.line.next(most), false
	defer func() {
		if !finished {
			err := asError(recover())
			for _, w := range items(batch) {
				w.err = err // even if it was committed, which is unknown here
			}
		}
		g.line.done(batch)
	}()
	g.commit(items(batch))
	finished = true
}

// commit runs all operations that have time left in one transaction. Refusals by a rule of the contest do not affect
// the others. If anything else fails, commit retries each operation alone, so that one failure does not fail the rest.
// If the commit outcome is unknown, it does not retry: an operation could find its own effects. All operations then end
// with [errUnsure].
func (g *group) commit(batch []*write) {
	batch = inTime(batch)
	if len(batch) > 1 || len(batch) > 0 && g.votes != nil {
		begin := time.Now()
		err := g.together(batch)
		if g.observe != nil {
			g.observe(time.Since(begin), err)
		}
		if err == nil {
			return
		}
		if errors.Is(err, errUnsure) {
			for _, w := range batch {
				w.err = err
			}
			return
		}
	}
	for _, w := range batch {
		switch w.err = w.ctx.Err(); { // the operations before it may have taken long
		case w.err != nil:
		case g.alone != nil:
			w.err = g.alone.run(w.ctx, func(_ context.Context, tx *sql.Tx) error { return w.call(tx) })
		default:
			w.err = inTransaction(w.ctx, g.db, w.call)
		}
	}
}

// inTime returns the operations that have time left. It gives the others the error of their context.
func inTime(batch []*write) (left []*write) {
	for _, w := range batch {
		if w.err = w.ctx.Err(); w.err == nil {
			left = append(left, w)
		}
	}
	return left
}

// whileAny returns a context that ends when no operation of the batch has time left.
func whileAny(batch []*write) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(batch[0].ctx))
	go func() { // ends with the context
		for _, w := range batch {
			select {
			case <-w.ctx.Done():
			case <-ctx.Done():
				return
			}
		}
		cancel()
	}()
	return ctx, cancel
}

// errNothing rolls back a transaction in which every operation was refused, so that nothing is flushed.
var errNothing = errors.New("nothing to commit")

// together runs all operations in one transaction: the pending votes in one statement, the others each in a savepoint.
func (g *group) together(batch []*write) error {
	if g.votes != nil {
		ctx, cancel := whileAny(batch)
		defer cancel()
		return castAtOnce(ctx, g.votes, batch)
	}
	err := inTransaction(batch[0].ctx, g.db, func(tx *sql.Tx) error {
		left, err := castTogether(batch[0].ctx, tx, batch)
		if err != nil {
			return err
		}
		for _, w := range left {
			if err := w.inSavepoint(tx); err != nil {
				return err
			}
		}
		if !slices.ContainsFunc(batch, func(w *write) bool { return w.err == nil }) {
			return errNothing
		}
		return nil
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	return err
}

// call runs the operation. It turns a panic into an error, because the leader must go on with the batch.
func (w *write) call(tx *sql.Tx) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = asError(panicked)
		}
	}()
	return w.do(w.ctx, tx)
}

// asError returns an error with the value and the stack of a panic.
func asError(panicked any) error { return fmt.Errorf("panic: %v\n%s", panicked, debug.Stack()) }

// inSavepoint runs the operation in a savepoint. If a rule of the contest refuses the operation, inSavepoint rolls back
// to the savepoint and keeps the refusal in w.err. It returns every other error.
func (w *write) inSavepoint(tx *sql.Tx) error {
	if _, err := tx.ExecContext(w.ctx, `SAVEPOINT one`); err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	w.err = w.call(tx)
	if w.err != nil {
		if _, refused := errors.AsType[*contest.Refusal](w.err); !refused {
			return w.err
		}
		if _, err := tx.ExecContext(w.ctx, `ROLLBACK TO one`); err != nil {
			return fmt.Errorf("roll back to the savepoint: %w", err)
		}
	}
	if _, err := tx.ExecContext(w.ctx, `RELEASE one`); err != nil {
		return fmt.Errorf("release the savepoint: %w", err)
	}
	return nil
}

// beginner is a pool, or one of its connections.
type beginner interface {
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}

// inTransaction runs do in a transaction. It commits if do returns nil and ctx has not ended; otherwise it rolls back.
// The error is [errUnsure] if the commit outcome is unknown.
func inTransaction(ctx context.Context, db beginner, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if err := do(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("commit: %w", err) // COMMIT was not sent
	}
	if err := tx.Commit(); err != nil {
		if unsure(err) {
			err = fmt.Errorf("%w: %w", errUnsure, err)
		}
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

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

// group is a group commit: concurrent writers run in one transaction, each in a savepoint of its own, so one fsync covers
// all of them. No writer is told of success before that. On SQLite, which takes one writing transaction at a time, every
// write goes through one group. On PostgreSQL votes share a commit, and so do operations on the same row ([crowds]).
type group struct {
	db    *sql.DB
	alone writes        // commits an operation that shares with nobody; nil for a transaction of its own on db
	watch *watchman     // ends operations on a server that has fallen silent; nil for none
	votes *pgxpool.Pool // on which ballots, and nothing else, are given at once; nil for a transaction on db
	seats chan struct{} // one for each group that may be at work at a time; nil for any number

	observe func(took time.Duration, err error) // is told of each transaction that is shared; nil for nobody

	line line[*write]
}

// maxGroup bounds how long the last of a group can make the first wait.
const maxGroup = 64

// write is one operation: what it does, and how it ended.
type write struct {
	ctx    context.Context //nolint:containedctx // lives as long as the call
	do     func(context.Context, *sql.Tx) error
	ballot *ballot // with which others can be given in its place; nil for none
	err    error
}

// run returns when the operation is committed, or with what kept it from being. The operation may be called more than
// once; only its last call counts. It ignores the end of its context, since interrupting one statement would roll
// back the others' as well.
func (g *group) run(ctx context.Context, do func(context.Context, *sql.Tx) error) error {
	return g.runWrite(context.WithoutCancel(ctx), &write{do: do})
}

// runWrite is run for a context that nobody but its own time ends.
func (g *group) runWrite(ctx context.Context, w *write) error {
	ctx, ended := g.watch.guard(ctx)
	w.ctx = ctx
	if g.votes == nil {
		g.take(w)
		return ended(w.err)
	}
	done := make(chan struct{})
	go func() { // ends with the batch, which others may have more time for
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

// take waits in line, and leads if that is its turn.
func (g *group) take(w *write) {
	if g.line.join(w) {
		g.lead(w)
	}
}

// lead commits the operations of those who wait, its own first, and tells them. Whatever happens to it, they are told, and the
// next leads.
func (g *group) lead(w *write) {
	most := maxGroup
	if g.seats != nil {
		select {
		case g.seats <- struct{}{}:
			defer func() { <-g.seats }()
		case <-w.ctx.Done():
			most = 1 // itself, whose time is over; the next waits on
		}
	}
	batch, finished := g.line.next(most), false
	defer func() {
		if !finished {
			err := asError(recover())
			for _, w := range items(batch) {
				w.err = err // whatever was committed
			}
		}
		g.line.done(batch)
	}()
	g.commit(items(batch))
	finished = true
}

// commit commits all operations that a rule does not refuse and that have time left. If anything else goes wrong, each is tried
// alone, so that one's trouble is not the others'. Where nobody knows whether they were committed, they all end with that: tried
// again, an operation would find its own effects.
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
		switch w.err = w.ctx.Err(); { // those before it may have taken long
		case w.err != nil:
		case g.alone != nil:
			w.err = g.alone.run(w.ctx, func(_ context.Context, tx *sql.Tx) error { return w.call(tx) })
		default:
			w.err = inTransaction(w.ctx, g.db, w.call)
		}
	}
}

// inTime are the operations with time left. The others end with that they have none.
func inTime(batch []*write) (left []*write) {
	for _, w := range batch {
		if w.err = w.ctx.Err(); w.err == nil {
			left = append(left, w)
		}
	}
	return left
}

// whileAny is a context that ends when the last of the batch has no time left.
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

// errNothing rolls back a transaction in which everything was refused, so that nothing is flushed for it.
var errNothing = errors.New("nothing to commit")

// together tries all operations in one transaction.
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

// call does the operation. A panic is an error like others here, since the group must go on.
func (w *write) call(tx *sql.Tx) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = asError(panicked)
		}
	}()
	return w.do(w.ctx, tx)
}

// asError is what a panic was about and where it was.
func asError(panicked any) error { return fmt.Errorf("panic: %v\n%s", panicked, debug.Stack()) }

// inSavepoint does the operation, or nothing of it if a rule refuses. It returns every other error.
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

// beginner is a pool, or one connection of it.
type beginner interface {
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}

// inTransaction commits what do did if it returns nil, and nothing of it otherwise.
func inTransaction(ctx context.Context, db beginner, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := do(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("commit: %w", err) // it is not sent
	}
	if err := tx.Commit(); err != nil {
		if unsure(err) {
			err = fmt.Errorf("%w: %w", errUnsure, err)
		}
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// Package store stores the contest in a SQL database. It has all SQL of the program, written once for both engines. One
// public method is one transaction.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"risingstars/internal/contest"
)

// Queue inserts jobs into the job queue within a transaction, so that a row and its job are committed together or not
// at all. EnqueueTx returns the id of the job. before is how many of the player's videos wait already.
type Queue interface {
	EnqueueTx(ctx context.Context, tx *sql.Tx, job contest.ProcessVideo, before int) (taskID string, err error)
}

// Observe is called with the duration of each operation, by its name, and the error with which it ended.
type Observe func(operation string, took time.Duration, err error)

// writes runs do in a transaction and returns once it is committed or has failed.
type writes interface {
	run(ctx context.Context, do func(context.Context, *sql.Tx) error) error
}

// Store is the contest's database.
type Store struct {
	writes  writes
	crowds  *crowds   // nil on SQLite, where all writes share commits
	lookups *lookups  // nil on SQLite, where a query costs no round trip
	readers *sql.DB   // read-only on SQLite
	watch   *watchman // health monitor; nil on SQLite
	queue   Queue
	observe Observe

	maxUnpublished int64
	uploadsAtOnce  int
	clock          func() time.Time
}

// Options are the settings and dependencies of a store besides its database. Observe may be nil.
type Options struct {
	Queue          Queue
	Observe        Observe
	MaxUnpublished int64            // bytes of a player's unpublished originals; 0: no limit
	UploadsAtOnce  int              // resumable uploads that a player may have under way; 0: no limit
	Clock          func() time.Time // for rows whose method gets no time; nil: time.Now
}

// New returns a store on an open database.
func New(db *DB, o Options) *Store {
	if o.Observe == nil {
		o.Observe = func(string, time.Duration, error) {}
	}
	s := &Store{readers: db.Readers, watch: db.watch, queue: o.Queue, observe: o.Observe}
	s.maxUnpublished, s.uploadsAtOnce, s.clock = o.MaxUnpublished, o.UploadsAtOnce, o.Clock
	if s.clock == nil {
		s.clock = time.Now
	}
	s.writes = &group{db: db.Writer, observe: func(took time.Duration, err error) { o.Observe("writes_together", took, err) }}
	if db.Engine == Postgres {
		retry := retrier{db.Writer, func(took time.Duration, err error) { o.Observe("transaction_retried", took, err) }}
		s.writes = pooled{retry, db.watch}
		s.crowds = newCrowds(db, retry, s.observe)
		s.lookups = &lookups{store: s}
	}
	return s
}

// Ping checks that the database answers a read and a write, until ctx ends.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := s.Backlog(ctx); err != nil {
		return err
	}
	answer := make(chan error, 1)
	go func() { // ends when the database answers
		answer <- s.write(ctx, "ping", func(context.Context, *sql.Tx) error { return nil })
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("ping: %w", ctx.Err())
	}
}

// write runs do in a transaction and commits it if do returns nil.
func (s *Store) write(ctx context.Context, operation string, do func(context.Context, *sql.Tx) error) (err error) {
	defer s.observed(operation, &err)()
	return named(operation, s.writes.run(ctx, do))
}

// writeRow is write for an operation that many callers may run at once on the row with the key. On PostgreSQL they share
// a commit. Operations with the same key must lock the same players and standings, because a batch of them is one
// transaction (lock_order.go).
func (s *Store) writeRow(ctx context.Context, operation string, key int64, do func(context.Context, *sql.Tx) error) (err error) {
	if s.crowds == nil {
		return s.write(ctx, operation, do)
	}
	defer s.observed(operation, &err)()
	return named(operation, s.crowds.run(ctx, key, do))
}

func (s *Store) observed(operation string, err *error) func() {
	begin := time.Now()
	return func() { s.observe(operation, time.Since(begin), *err) }
}

// named adds the name of the operation to an error of the database. A refusal by a rule of the contest stays as it is.
func named(operation string, err error) error {
	var refusal *contest.Refusal
	if err == nil || errors.As(err, &refusal) {
		return err
	}
	return fmt.Errorf("%s: %w", operation, saying(err))
}

type scanner interface{ Scan(dest ...any) error }

// one reads one row from the readers' pool. It returns the error none if there is no row.
func one[T any](ctx context.Context, s *Store, operation string, scan func(scanner) (T, error), none error,
	query string, args ...any,
) (v T, err error) {
	defer s.observed(operation, &err)()
	ctx, ended := s.watch.guard(ctx)
	v, err = scan(s.readers.QueryRowContext(ctx, query, args...))
	return v, named(operation, orNone(ended(err), none))
}

// many reads all rows of a query from the readers' pool. If there are none, it returns an empty slice, not nil.
func many[T any](ctx context.Context, s *Store, operation string, scan func(scanner) (T, error),
	query string, args ...any,
) (list []T, err error) {
	defer s.observed(operation, &err)()
	ctx, ended := s.watch.guard(ctx)
	rows, err := s.readers.QueryContext(ctx, query, args...)
	if err == nil {
		list, err = all(rows, scan)
	}
	return list, named(operation, ended(err))
}

// all reads all rows and closes them.
func all[T any](rows *sql.Rows, scan func(scanner) (T, error)) ([]T, error) {
	defer func() { _ = rows.Close() }() // rows.Err is returned below
	list := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// change runs a statement, and returns the error none if it changes no row.
func change(ctx context.Context, tx *sql.Tx, none error, query string, args ...any) error {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return none
	}
	return nil
}

// orNone replaces sql.ErrNoRows by the error none.
func orNone(err, none error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return none
	}
	return err
}

// orGone replaces a failed foreign key to a player by contest.ErrNotSignedIn: the current user has been deleted.
func orGone(err error) error {
	if dangling(err) {
		return contest.ErrNotSignedIn
	}
	return err
}

func scanInt(row scanner) (n int, err error) { return n, row.Scan(&n) }

// Package store keeps the contest in a SQL database. Every SQL statement of the program is here, written once for
// all engines; one public method is one transaction.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"risingstars/internal/contest"
)

// Queue enters jobs into the job queue as part of a transaction, so that a row and its job are there together or not
// at all. It returns the job's id. before is how many videos of the same player wait already.
type Queue interface {
	EnqueueTx(ctx context.Context, tx *sql.Tx, job contest.ProcessVideo, before int) (taskID string, err error)
}

// Observe is told how long each transaction took, by the name of its operation; err is what it ended with.
type Observe func(operation string, took time.Duration, err error)

// writes commits what writers do, or tells them what kept it from being.
type writes interface {
	run(ctx context.Context, do func(context.Context, *sql.Tx) error) error
}

// Store is the contest's database.
type Store struct {
	writes  writes
	crowds  *crowds   // nil where writers share every commit anyway
	lookups *lookups  // nil where a query costs no round trip
	readers *sql.DB   // on SQLite they cannot write
	watch   *watchman // nil on SQLite
	queue   Queue
	observe Observe

	maxUnpublished int64
	uploadsAtOnce  int
	clock          func() time.Time
}

// Options are what a store needs besides its database. Observe may be nil.
type Options struct {
	Queue          Queue
	Observe        Observe
	MaxUnpublished int64            // bytes of a player's originals that are not public, 0 for any
	UploadsAtOnce  int              // resumable uploads that a player may have under way, 0 for any
	Clock          func() time.Time // when things are noted that come without a time; nil for time.Now
}

// New makes a store on an open database.
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
		s.writes = pooled{db.Writer, db.watch}
		s.crowds = newCrowds(db, s.observe)
		s.lookups = &lookups{store: s}
	}
	return s
}

// Ping asks the database for an answer, on both of its pools, for as long as ctx lasts.
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

// write runs do in a transaction of its own and commits it if do returns nil.
func (s *Store) write(ctx context.Context, operation string, do func(context.Context, *sql.Tx) error) (err error) {
	defer s.observed(operation, &err)()
	return named(operation, s.writes.run(ctx, do))
}

// writeRow is write for an operation that many may want to do at once on the row with the key, and that holds no row
// before it. They may share a commit.
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

// named says what was being done when the database failed; a refusal speaks for itself.
func named(operation string, err error) error {
	var refusal *contest.Refusal
	if err == nil || errors.As(err, &refusal) {
		return err
	}
	return fmt.Errorf("%s: %w", operation, saying(err))
}

type scanner interface{ Scan(dest ...any) error }

// one reads one row on the readers' pool; no row is the error none.
func one[T any](ctx context.Context, s *Store, operation string, scan func(scanner) (T, error), none error,
	query string, args ...any,
) (v T, err error) {
	defer s.observed(operation, &err)()
	ctx, ended := s.watch.guard(ctx)
	v, err = scan(s.readers.QueryRowContext(ctx, query, args...))
	return v, named(operation, orNone(ended(err), none))
}

// many reads all rows of a query on the readers' pool. No rows give an empty slice, not nil.
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

// all reads rows to their end and closes them.
func all[T any](rows *sql.Rows, scan func(scanner) (T, error)) ([]T, error) {
	defer func() { _ = rows.Close() }() // rows.Err below says what went wrong
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

// change runs a statement that must change something; if it changes no row, that is the error none.
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

// orNone replaces "no rows" by the error that it means here.
func orNone(err, none error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return none
	}
	return err
}

// orGone says that whoever asked has been deleted, where a row could not refer to its player.
func orGone(err error) error {
	if dangling(err) {
		return contest.ErrNotSignedIn
	}
	return err
}

func scanInt(row scanner) (n int, err error) { return n, row.Scan(&n) }

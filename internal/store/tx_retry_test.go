package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"risingstars/internal/testserver"
)

// retrying returns a retrier on the store's database, and a function that returns PostgreSQL's error codes of the
// attempts that were retried.
func retrying(s *Store) (r retrier, codes func() []string) {
	var mu sync.Mutex
	var list []string
	return retrier{s.crowds.db, func(_ time.Duration, err error) {
			failed, _ := errors.AsType[*pgconn.PgError](err)
			mu.Lock()
			defer mu.Unlock()
			list = append(list, failed.Code)
		}}, func() []string {
			mu.Lock()
			defer mu.Unlock()
			return list
		}
}

// Two transactions that deadlock both succeed, the one that PostgreSQL aborts at a retry.
func TestDeadlockIsRetried(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 2, 2)
	r, codes := retrying(s)
	var first sync.WaitGroup // until each has locked its first row
	first.Add(2)
	swap := func(a, b int) error {
		meet := sync.OnceFunc(func() { first.Done(); first.Wait() })
		return r.run(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
			for _, id := range []int{a, b} {
				if _, err := tx.ExecContext(ctx, `UPDATE standings SET votes = votes + 1 WHERE player_id = $1`, id); err != nil {
					return err
				}
				meet()
			}
			return nil
		})
	}
	errs := make([]error, 2)
	var both sync.WaitGroup
	for i := range errs {
		both.Go(func() { errs[i] = swap(1+i, 2-i) })
	}
	both.Wait()

	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"40P01"}, codes()); diff != "" {
		t.Errorf("retried for (-want +got):\n%s", diff)
	}
	if got := lines(t, s, `SELECT votes :: TEXT FROM standings`); !cmp.Equal(got, []string{"2", "2"}) {
		t.Errorf("votes: %v", got)
	}
}

// A transaction with a serialization failure is retried.
func TestSerializationFailureIsRetried(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 1, 1)
	r, codes := retrying(s)
	commitOther := sync.OnceValue(func() error {
		_, err := s.crowds.db.ExecContext(t.Context(), `UPDATE standings SET votes = votes + 1`)
		return err
	})
	err := r.run(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		for _, statement := range []string{`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`, `SELECT FROM standings`} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		if err := commitOther(); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE standings SET votes = votes + 1`)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"40001"}, codes()); diff != "" {
		t.Errorf("retried for (-want +got):\n%s", diff)
	}
	if got := lines(t, s, `SELECT votes :: TEXT FROM standings`); !cmp.Equal(got, []string{"2"}) {
		t.Errorf("votes: %v", got)
	}
}

// The number of attempts is limited. Errors that are no conflicts, and unknown commit outcomes, are not retried.
func TestAttempts(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 1, 1)
	for name, test := range map[string]struct {
		err  error
		want int
	}{
		"deadlock":               {&pgconn.PgError{Code: "40P01"}, maxAttempts},
		"serialization":          {&pgconn.PgError{Code: "40001"}, maxAttempts},
		"conflict":               {fmt.Errorf("%w: %w", errConflict, &pgconn.PgError{Code: "55P03"}), maxAttempts},
		"two updaters":           {&pgconn.PgError{Code: "XX000", Message: "new multixact has more than one updating member: 0 2[5 (nokeyupd), 6 (nokeyupd)]"}, maxAttempts},
		"internal error":         {&pgconn.PgError{Code: "XX000"}, 1},
		"lock not available":     {&pgconn.PgError{Code: "55P03"}, 1},
		"unique violation":       {&pgconn.PgError{Code: "23505"}, 1},
		"commit outcome unknown": {errUnsure, 1},
		"nothing":                {nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, codes := retrying(s)
			attempts := 0
			err := r.run(t.Context(), func(context.Context, *sql.Tx) error {
				attempts++
				return test.err
			})
			if !errors.Is(err, test.err) || attempts != test.want || len(codes()) != test.want-1 {
				t.Errorf("got %v after %d attempts and %d retries, want %d", err, attempts, len(codes()), test.want)
			}
		})
	}
}

// Retries stop when the caller's context ends.
func TestRetriesEndWithTheirTime(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 1, 1)
	ctx, cancel := context.WithCancel(t.Context())
	attempts := 0
	r := retrier{s.crowds.db, func(time.Duration, error) { cancel() }}
	err := r.run(ctx, func(context.Context, *sql.Tx) error {
		attempts++
		return &pgconn.PgError{Code: "40P01"}
	})
	if attempts > 2 || err == nil {
		t.Errorf("%d attempts, %v", attempts, err)
	}
}

// The backoff doubles, and half of it is random.
func TestBackoff(t *testing.T) {
	t.Parallel()
	for attempt := 1; attempt < maxAttempts; attempt++ {
		longest := firstBackoff << (attempt - 1)
		for range 100 {
			if got := backoff(attempt); got < longest/2 || got >= longest {
				t.Errorf("after attempt %d: %s", attempt, got)
			}
		}
	}
}

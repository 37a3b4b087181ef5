package store_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"risingstars/internal/contest"
	"risingstars/internal/store"
)

// stressTime is an environment variable with a duration, such as 10m. If it is set, TestWritesDoNotDeadlock runs for
// that long instead of its short form.
const stressTime = "RISINGSTARS_STRESS"

// The short form runs this many random pairs once. The long form runs all pairs repeatedly.
const shortPairs = 100

// Two programs run each pair of write operations concurrently, on players who have voted for each other. PostgreSQL
// detects no deadlock (lock_order.go). The store would retry a deadlock, so the test counts deadlocks where they are
// detected: in the server's statistics, and in the store before a retry.
func TestWritesDoNotDeadlock(t *testing.T) {
	t.Parallel()
	s := newStress(t)
	for _, operation := range writeOperations {
		s.succeeds(t, operation)
	}
	var duration time.Duration
	if text := os.Getenv(stressTime); text != "" {
		var err error
		duration, err = time.ParseDuration(text)
		check(t, err)
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	pairs, ran := s.pairs(), 0
	for begin := time.Now(); ran == 0 || time.Since(begin) < duration; {
		random.Shuffle(len(pairs), func(i, k int) { pairs[i], pairs[k] = pairs[k], pairs[i] })
		todo := pairs
		if duration == 0 {
			todo = pairs[:shortPairs]
		}
		for _, pair := range todo {
			s.run(t, pair, random)
			if t.Failed() {
				t.Fatalf("at %s and %s, seed %d", pair[0].method, pair[1].method, seed)
			}
		}
		ran += len(todo)
	}
	deadlocks := s.end(t)
	t.Logf("%d operations in %d pairs, %d of which the rules refused: %d deadlocks; seed %d",
		s.called.Load(), ran, s.refused.Load(), deadlocks, seed)
}

// stress is a database to which two programs write.
type stress struct {
	admin    *store.DB
	programs [2]*world

	called, refused, deadlocks atomic.Int64
}

func newStress(t *testing.T) *stress {
	t.Helper()
	useServer(t)
	url, err := store.NewMigratedPostgres(server)
	check(t, err)
	s := &stress{}
	open := func() *store.DB {
		db, err := store.OpenPostgres(url+"&deadlock_timeout=20ms", 8) // 1 s by default
		check(t, err)
		return db
	}
	s.admin = open()
	t.Cleanup(func() { check(t, s.admin.Close()) })
	for i := range s.programs {
		w := newWorld(t, open())
		w.Store = store.New(w.db, store.Options{Queue: w.queue, Observe: s.observe})
		s.programs[i] = w
	}
	return s
}

// observe counts the deadlocks among the transactions' errors, also of those that are retried.
func (s *stress) observe(_ string, _ time.Duration, err error) {
	if failed, ok := errors.AsType[*pgconn.PgError](err); ok && failed.Code == "40P01" {
		s.deadlocks.Add(1)
	}
}

// pairs returns all pairs of operations, also of each with itself.
func (s *stress) pairs() (pairs [][2]writeOperation) {
	for i, a := range writeOperations {
		for _, b := range writeOperations[i:] {
			pairs = append(pairs, [2]writeOperation{a, b})
		}
	}
	return pairs
}

// succeeds checks that an operation succeeds at least once in 200 calls with random arguments. Otherwise its pairs
// would test nothing.
func (s *stress) succeeds(t *testing.T, operation writeOperation) {
	t.Helper()
	s.stock(t)
	c := caller{rand.New(rand.NewPCG(1, 1)), s.programs[0]} // fixed seed
	for range 200 {
		if s.call(t, operation, c) {
			return
		}
	}
	t.Errorf("%s never did anything", operation.method)
}

// run fills the contest with rows, runs two callers of each operation concurrently, four calls each, and compares the
// counters with the rows.
func (s *stress) run(t *testing.T, pair [2]writeOperation, random *rand.Rand) {
	t.Helper()
	const callers, calls = 2, 4
	s.stock(t)
	var everybody sync.WaitGroup
	for i := range callers * len(pair) {
		operation := pair[i%2]
		c := caller{rand.New(rand.NewPCG(random.Uint64(), 0)), s.programs[i/2]}
		everybody.Go(func() {
			for range calls {
				s.call(t, operation, c)
			}
		})
	}
	everybody.Wait()
	s.programs[0].agree(t)
	if n := s.deadlocks.Load(); n > 0 {
		t.Errorf("the store has met %d deadlocks", n)
	}
}

func (s *stress) stock(t *testing.T) {
	t.Helper()
	execTogether(t, s.admin.Writer, slices.Concat(clearing, stockedContest))
}

func (s *stress) call(t *testing.T, operation writeOperation, c caller) (ok bool) {
	t.Helper()
	err := operation.call(context.Background(), c)
	s.called.Add(1)
	switch _, refused := errors.AsType[*contest.Refusal](err); {
	case refused:
		s.refused.Add(1)
	case err != nil:
		t.Errorf("%s: %v", operation.method, err)
	}
	return err == nil
}

// end closes the programs' connections and returns how many deadlocks the server has detected.
func (s *stress) end(t *testing.T) (deadlocks int64) {
	t.Helper()
	for _, w := range s.programs {
		check(t, w.db.Close()) // a connection reports its statistics when it ends
	}
	eventually(t, "the programs have no connections", func() bool {
		return number(t, s.admin.Writer, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`) == 0
	})
	deadlocks = number(t, s.admin.Writer, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`)
	if deadlocks > 0 {
		t.Errorf("the server has found %d deadlocks", deadlocks)
	}
	return deadlocks
}

func number(t *testing.T, db *sql.DB, query string) (n int64) {
	t.Helper()
	check(t, db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

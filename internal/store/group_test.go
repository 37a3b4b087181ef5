package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"risingstars/internal/contest"
	"risingstars/internal/testserver"
)

// Operations that share a commit are refused, fail, panic or succeed. Afterwards the table has exactly the effects of
// the ones that succeeded.
func TestGroupKeepsWritesApart(t *testing.T) {
	t.Parallel()
	errBroken := errors.New("broken")
	insert := func(n int, then error) func(context.Context, *sql.Tx) error {
		return func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, `INSERT INTO kept (n) VALUES ($1)`, n); err != nil {
				return err
			}
			return then
		}
	}
	panicking := func(ctx context.Context, tx *sql.Tx) error {
		_ = insert(0, nil)(ctx, tx)
		panic("at the disco")
	}
	for _, test := range []struct {
		name string
		do   []func(context.Context, *sql.Tx) error
		errs []error
		kept []int
	}{
		{"all succeed", []func(context.Context, *sql.Tx) error{insert(1, nil), insert(2, nil)}, []error{nil, nil}, []int{1, 2}},
		{
			"a refusal undoes its own effects only",
			[]func(context.Context, *sql.Tx) error{insert(1, nil), insert(2, contest.ErrAlreadyVoted), insert(3, nil)},
			[]error{nil, contest.ErrAlreadyVoted, nil},
			[]int{1, 3},
		},
		{
			"an error undoes its own effects only",
			[]func(context.Context, *sql.Tx) error{insert(1, nil), insert(2, errBroken), insert(3, nil)},
			[]error{nil, errBroken, nil},
			[]int{1, 3},
		},
		{
			"a statement that fails is its own operation's trouble",
			[]func(context.Context, *sql.Tx) error{insert(1, nil), insert(1, nil), insert(3, nil)},
			[]error{nil, cmpopts.AnyError, nil},
			[]int{1, 3},
		},
		{
			"a panic is an error",
			[]func(context.Context, *sql.Tx) error{insert(1, nil), panicking, insert(3, nil)},
			[]error{nil, cmpopts.AnyError, nil},
			[]int{1, 3},
		},
	} {
		for engine, open := range groups() {
			t.Run(engine+"/"+test.name, func(t *testing.T) {
				t.Parallel()
				g := open(t)
				batch := make([]*write, len(test.do))
				for i, do := range test.do {
					batch[i] = &write{ctx: t.Context(), do: do}
				}

				g.commit(batch)

				errs := make([]error, len(batch))
				for i, w := range batch {
					errs[i] = w.err
				}
				if diff := cmp.Diff(test.errs, errs, cmpopts.EquateErrors()); diff != "" {
					t.Errorf("errors (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(test.kept, kept(t, g.db)); diff != "" {
					t.Errorf("rows (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// groups returns a constructor for each kind of group: SQLite's only one, and PostgreSQL's for one row.
func groups() map[string]func(*testing.T) *group {
	return map[string]func(*testing.T) *group{
		"sqlite": func(t *testing.T) *group { t.Helper(); return &group{db: keptTable(t)} },
		"postgres": func(t *testing.T) *group {
			t.Helper()
			server := testserver.SharedPostgres(t)
			name := "group_" + contest.NewMediaToken()
			if err := server.Create(name, ""); err != nil {
				t.Fatal(err)
			}
			db, err := OpenPostgres(server.URL(name), 4)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			if _, err := db.Writer.ExecContext(t.Context(), `CREATE TABLE kept (n INTEGER PRIMARY KEY)`); err != nil {
				t.Fatal(err)
			}
			c := newCrowds(db, retrier{db: db.Writer}, func(string, time.Duration, error) {})
			return &c.enter(1).group
		},
	}
}

// Many concurrent writers each get their own result.
func TestGroupServesEverybody(t *testing.T) {
	t.Parallel()
	g := &group{db: keptTable(t)}
	const writers = 300
	errs := make(chan error, writers)
	for n := range writers {
		go func() { // ends with its result
			refusal := error(nil)
			if n%3 == 0 {
				refusal = contest.ErrNotVoted
			}
			err := g.run(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, `INSERT INTO kept (n) VALUES ($1)`, n)
				return errors.Join(err, refusal)
			})
			if !errors.Is(err, refusal) || (err == nil) != (refusal == nil) {
				errs <- fmt.Errorf("writer %d: got %w, want %w", n, err, refusal)
				return
			}
			errs <- nil
		}()
	}
	for range writers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got, want := len(kept(t, g.db)), writers*2/3; got != want {
		t.Errorf("kept %d rows, want %d", got, want)
	}
	if g.line.led || len(g.line.waiting) > 0 {
		t.Error("the group is not idle in the end")
	}
}

func keptTable(t *testing.T) *sql.DB {
	t.Helper()
	db, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "group.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Writer.ExecContext(t.Context(), `CREATE TABLE kept (n INTEGER PRIMARY KEY) STRICT`); err != nil {
		t.Fatal(err)
	}
	return db.Writer
}

func kept(t *testing.T, db *sql.DB) []int {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT n FROM kept ORDER BY n`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var list []int
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		list = append(list, n)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// If the leader panics, its followers get an error, and the group serves later callers.
func TestGroupOutlivesItsLeader(t *testing.T) {
	t.Parallel()
	g := &group{db: keptTable(t)}
	insert := func(n int) func(context.Context, *sql.Tx) error {
		return func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO kept (n) VALUES ($1)`, n)
			return err
		}
	}
	g.observe = func(time.Duration, error) { panic("at the disco") }
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { // ends with its result
		first <- g.run(context.Background(), func(context.Context, *sql.Tx) error {
			for n := range 2 { // they wait for this operation
				go func() { second <- g.run(context.Background(), insert(n)) }()
			}
			until(t, "two wait", func() bool {
				return g.line.length() == 2
			})
			return nil
		})
	}()
	if err := <-first; err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-second; err == nil {
			t.Error("who waited for a leader that panicked was told of success")
		}
	}
	g.observe = nil
	if err := g.run(t.Context(), insert(2)); err != nil {
		t.Error(err)
	}
}

// An operation whose deadline is over is not run.
func TestGroupLeavesWhatIsTooLate(t *testing.T) {
	t.Parallel()
	g := &group{db: keptTable(t)}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	do := func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(context.WithoutCancel(ctx), `INSERT INTO kept (n) SELECT count(*) FROM kept`)
		return err
	}
	batch := []*write{{ctx: late, do: do}, {ctx: t.Context(), do: do}, {ctx: t.Context(), do: do}}

	g.commit(batch)

	if diff := cmp.Diff([]error{context.Canceled, nil, nil}, []error{batch[0].err, batch[1].err, batch[2].err}, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{0, 1}, kept(t, g.db)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// until polls until done returns true, for at most a minute.
func until(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		if time.Now().After(deadline) {
			tb.Errorf("not within a minute: %s", what)
			return
		}
		<-tick.C
	}
}

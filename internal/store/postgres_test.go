package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
	"risingstars/internal/store"
	"risingstars/internal/testserver"
)

// emptyPostgres creates a database without tables.
func emptyPostgres(t *testing.T) (url string) {
	t.Helper()
	useServer(t)
	name := fmt.Sprintf("empty_%d", copies.Add(1))
	check(t, server.Create(name, ""))
	return server.URL(name)
}

func connect(t *testing.T, url string) *store.DB {
	t.Helper()
	db, err := store.OpenPostgres(url, 4)
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	return db
}

func TestManyProcessesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := emptyPostgres(t)
	dbs := make([]*store.DB, 6)
	for i := range dbs {
		dbs[i] = connect(t, url)
	}

	errs := atOnce(len(dbs), func(i int) error { return second(store.Migrate(t.Context(), dbs[i])) })

	check(t, errors.Join(errs...))
	schema, err := store.ReadSchema(t.Context(), dbs[0])
	check(t, err)
	if !schema.Current() {
		t.Errorf("got %+v", schema)
	}
	w := newWorld(t, dbs[0])
	if n := w.number(t, `SELECT count(*) - count(DISTINCT version_id) FROM goose_db_version`); n != 0 {
		t.Errorf("%d migrations were applied twice", n)
	}
}

// No error about a URL contains the URL.
func TestOpenPostgresHidesTheURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://u:hunter2@host:notaport/db", "postgres://u:hunter2@host/db?sslmode=hunter2"} {
		db, err := store.OpenPostgres(url, 2)
		if err == nil {
			t.Errorf("%s was taken", url)
			check(t, db.Close())
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	}
}

func TestAServerThatIsAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	own := testserver.NewPostgres(t)
	db := connect(t, own.URL("postgres"))
	_, err := store.Migrate(t.Context(), db)
	check(t, err)
	w := newWorld(t, db)
	ana := w.player(t, "ana", "")

	for name, away := range map[string]func(){"stopped": func() { own.Stop(syscall.SIGINT) }, "killed": func() { own.Kill() }} {
		away()
		_, read := w.PlayerByID(t.Context(), ana.ID)
		_, write := w.AddVideo(t.Context(), video(ana, "Clavada", start))
		if !errors.Is(read, contest.ErrUnavailable) || !errors.Is(write, contest.ErrUnavailable) {
			t.Errorf("%s: got %v and %v", name, read, write)
		}
		own.Start(t)
		eventually(t, "it is used again", func() bool { _, err := w.PlayerByID(t.Context(), ana.ID); return err == nil })
	}
}

func TestServerVersion(t *testing.T) {
	t.Parallel()
	text, number, err := connect(t, emptyPostgres(t)).ServerVersion(t.Context())
	check(t, err)
	if number < 150000 || !strings.HasPrefix(text, fmt.Sprint(number/10000)) {
		t.Errorf("got %q, %d", text, number)
	}
}

// After many concurrent votes for one player, the counters are exact, and the standing has the moment of the latest
// vote.
func TestManyVoteAndTakeBackAtOnce(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			star := w.player(t, "ana", "")
			one, two := w.public(t, star, "Clavada", start), w.public(t, star, "Triple", start)
			fans := make([]contest.Player, 24)
			for i := range fans {
				fans[i] = w.player(t, fmt.Sprint("fan", i), "")
			}
			check(t, errors.Join(atOnce(len(fans), func(i int) error {
				ctx := context.Background()
				_, err := w.AddVote(ctx, one.ID, fans[i].ID, at(1000+i))
				if err == nil {
					_, err = w.AddVote(ctx, two.ID, fans[i].ID, at(2000+i))
				}
				if err == nil && i%2 == 0 {
					_, err = w.WithdrawVote(ctx, two.ID, fans[i].ID)
				}
				if err == nil && i >= 12 && i%2 == 1 {
					_, err = w.WithdrawVote(ctx, two.ID, fans[i].ID)
				}
				return err
			})...))
			got := []int64{
				w.number(t, `SELECT votes FROM videos WHERE id = $1`, one.ID),
				w.number(t, `SELECT votes FROM videos WHERE id = $1`, two.ID),
				w.number(t, `SELECT votes FROM standings WHERE player_id = $1`, star.ID),
				w.number(t, `SELECT count(*) FROM standings WHERE player_id = $1
					AND reached_at = (SELECT max(voted_at) FROM votes WHERE player_id = $1)`, star.ID),
			}
			if diff := cmp.Diff([]int64{24, 6, 30, 1}, got); diff != "" {
				t.Errorf("votes of the first, the second, the player; moments that are right (-want +got):\n%s", diff)
			}
		})
	}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		<-tick.C
	}
}

// The pool for migrations keeps no connection afterwards.
func TestMigratingLeavesNoConnection(t *testing.T) {
	t.Parallel()
	url := emptyPostgres(t)
	watching := connect(t, url)
	_, err := store.Migrate(t.Context(), connect(t, url))
	check(t, err)
	eventually(t, "no connection is left", func() bool {
		var n int
		check(t, watching.Readers.QueryRowContext(t.Context(),
			`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&n))
		return n == 0
	})
}

package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/store"
	"risingstars/internal/testserver"
)

// Whoever asks a server that has fallen silent is told so soon, and whoever asks it later is answered again.
func TestPostgresFallsSilent(t *testing.T) {
	t.Parallel()
	s, network := overNetwork(t)
	read := func() error { return second(s.PlayerByID(t.Context(), 1)) }
	write := func() error { return s.DeleteUpload(t.Context(), "none") }
	if err := read(); !errors.Is(err, contest.ErrNotSignedIn) {
		t.Fatalf("before: %v", err)
	}
	check(t, write())

	const most = 3 * time.Second // it is 2 s on a machine that has time; without a watchman, 30 s
	took := most + 1
	for round := 0; round < 3 && took > most; round++ { // others use the machine as well
		network.Hang(true)
		began := time.Now()
		for _, err := range atOnce(20, func(i int) error {
			if i%2 == 0 {
				return read()
			}
			return write()
		}) {
			if !errors.Is(err, contest.ErrUnavailable) {
				t.Errorf("while it is silent: %v", err)
			}
		}
		took = time.Since(began)
		t.Logf("round %d: told after %s", round, took.Round(time.Millisecond))
		network.Hang(false)
		eventually(t, "it answers again", func() bool { return write() == nil && errors.Is(read(), contest.ErrNotSignedIn) })
	}
	if took > most {
		t.Errorf("never told within %s", most)
	}
}

// Whoever waits for another on a server that answers is not told that it is silent.
func TestPostgresIsSlow(t *testing.T) {
	t.Parallel()
	s, _ := overNetwork(t)
	db := connect(t, s.url)
	tx, err := db.Writer.BeginTx(t.Context(), nil)
	check(t, err)
	_, err = tx.ExecContext(t.Context(), `LOCK TABLE uploads`)
	check(t, err)
	done := make(chan error, 1)
	go func() { done <- s.DeleteUpload(t.Context(), "none") }() // ends with the lock
	select {
	case err := <-done:
		t.Errorf("it did not wait: %v", err)
	case <-time.After(3 * time.Second):
	}
	check(t, tx.Rollback())
	check(t, <-done)
}

// Whose vote may have been committed is not told that it was there before, nor that it is not there.
func TestTheAnswerToACommitIsLost(t *testing.T) {
	t.Parallel()
	s, network := overNetwork(t)
	w := newWorld(t, connect(t, s.url))
	v := w.public(t, w.player(t, "ana", ""), "Clavada", start)
	fans := make([]contest.Player, 20)
	for i := range fans {
		fans[i] = w.player(t, fmt.Sprint("fan", i), "")
	}
	vote := func(i int) error {
		return second(s.AddVote(context.WithoutCancel(t.Context()), v.ID, fans[i].ID, at(900+i)))
	}

	network.Lose("\x00stmtcache_") // the portal without a name, and a statement's: a Bind, by which votes are given and committed
	for i, err := range atOnce(len(fans), vote) {
		if !errors.Is(err, contest.ErrUnavailable) {
			t.Errorf("vote %d: got %v", i, err)
		}
	}
	network.Lose("")

	if n := w.number(t, `SELECT count(*) FROM votes`); n != int64(len(fans)) {
		t.Errorf("%d votes are there", n)
	}
	w.agree(t)
	for i := range fans {
		if err := vote(i); !errors.Is(err, contest.ErrAlreadyVoted) {
			t.Errorf("vote %d again: got %v", i, err)
		}
	}
}

type distantStore struct {
	*store.Store
	url string
}

// overNetwork is a store on a PostgreSQL that it reaches over a network of its own.
func overNetwork(t *testing.T) (distantStore, *testserver.Network) {
	t.Helper()
	direct := migratedPostgres(t)
	u, err := url.Parse(direct)
	check(t, err)
	network := testserver.NewNetwork(t, u.Host)
	return distantStore{store.New(connect(t, strings.Replace(direct, u.Host, network.Addr, 1)), store.Options{}), direct}, network
}

func migratedPostgres(t *testing.T) (url string) {
	t.Helper()
	url = emptyPostgres(t)
	_, err := store.Migrate(t.Context(), connect(t, url))
	check(t, err)
	return url
}

package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
	"risingstars/internal/store"
)

func TestAddPlayer(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			given := contest.Player{
				FirstName: "Valentina", LastName: "Ríos'; --", Email: "Valentina@Example.org", City: "Bogotá", Country: "Colombia",
				CreatedAt: time.Date(2026, 1, 15, 5, 30, 0, 123456789, time.FixedZone("", -5*3600)),
			}
			got, err := w.AddPlayer(t.Context(), given, "hash")
			check(t, err)

			want := given
			want.ID, want.CreatedAt = 1, time.Date(2026, 1, 15, 10, 30, 0, 123456000, time.UTC)
			kept, err := w.PlayerByID(t.Context(), got.ID)
			check(t, err)
			if diff := cmp.Diff(want, kept); diff != "" {
				t.Errorf("player (-want +got):\n%s", diff)
			}
			byEmail, hash, err := w.CredentialsByEmail(t.Context(), "vALENTINA@eXAMPLE.ORG")
			check(t, err)
			if diff := cmp.Diff(want, byEmail); diff != "" || hash != "hash" {
				t.Errorf("hash %q, player by email (-want +got):\n%s", hash, diff)
			}
		})
	}
}

func TestEmailsAreUniqueWhateverTheirCase(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			add := func(email string) error {
				_, err := w.AddPlayer(t.Context(), contest.Player{FirstName: "A", LastName: "B", Email: email, CreatedAt: start}, "h")
				return err
			}
			check(t, add("josé.ñu@example.org"))
			before := w.content(t)
			for _, email := range []string{
				"josé.ñu@example.org", "JOSÉ.ÑU@EXAMPLE.ORG", "jose\u0301.n\u0303u@example.org", " josé.ñu@Example.org ",
			} {
				if err := add(email); !errors.Is(err, contest.ErrEmailTaken) {
					t.Errorf("%q: got %v, want %v", email, err, contest.ErrEmailTaken)
				}
				if _, _, err := w.CredentialsByEmail(t.Context(), email); err != nil {
					t.Errorf("%q is not found: %v", email, err)
				}
			}
			if diff := cmp.Diff(before, w.content(t)); diff != "" {
				t.Errorf("refusals changed something (-before +after):\n%s", diff)
			}
			for _, email := range []string{"jose.nu@example.org", "josé.ñu@example.com", "%@example.org"} {
				if _, _, err := w.CredentialsByEmail(t.Context(), email); !errors.Is(err, contest.ErrBadCredentials) {
					t.Errorf("%q: got %v, want %v", email, err, contest.ErrBadCredentials)
				}
				if err := add(email); err != nil {
					t.Errorf("%q is another: %v", email, err)
				}
			}
		})
	}
}

func TestOneOfManySignsUpWithAnEmail(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			errs := atOnce(20, func(i int) error {
				_, err := w.AddPlayer(t.Context(), contest.Player{
					FirstName: fmt.Sprint(i), LastName: "B", Email: "ana@example.org", CreatedAt: start,
				}, "h")
				return err
			})
			if n := succeeded(t, errs, contest.ErrEmailTaken); n != 1 {
				t.Errorf("%d have signed up", n)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			for _, id := range []int64{0, -1, 1, 1<<63 - 1} {
				if _, err := w.PlayerByID(t.Context(), id); !errors.Is(err, contest.ErrNotSignedIn) {
					t.Errorf("%d: got %v, want %v", id, err, contest.ErrNotSignedIn)
				}
			}
			p, hash, err := w.CredentialsByEmail(t.Context(), "nadie@example.org")
			if !errors.Is(err, contest.ErrBadCredentials) || hash != "" || p.ID != 0 {
				t.Errorf("got %v, hash %q and %v, want none and %v", p, hash, err, contest.ErrBadCredentials)
			}
		})
	}
}

func TestAPlayersIDIsNeverGivenAgain(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			first := w.player(t, "ana", "")
			w.exec(t, `DELETE FROM players WHERE id = $1`, first.ID)
			if second := w.player(t, "beto", ""); second.ID <= first.ID {
				t.Errorf("got id %d after %d", second.ID, first.ID)
			}
		})
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			type seen struct {
				Operation string
				Refused   bool
			}
			var all []seen
			observed := store.New(w.db, store.Options{Queue: w.queue, Observe: func(operation string, took time.Duration, err error) {
				if took < 0 {
					t.Errorf("%s took %s", operation, took)
				}
				all = append(all, seen{operation, err != nil})
			}})
			p, err := observed.AddPlayer(t.Context(), contest.Player{Email: "a@b.co", CreatedAt: start}, "h")
			check(t, err)
			_, _ = observed.AddPlayer(t.Context(), contest.Player{Email: "a@b.co", CreatedAt: start}, "h")
			_, _ = observed.PlayerByID(t.Context(), p.ID)
			_, _ = observed.VideosOfPlayer(t.Context(), p.ID)
			want := []seen{{"add_player", false}, {"add_player", true}, {"player_by_id", false}, {"videos_of", false}}
			if diff := cmp.Diff(want, all); diff != "" {
				t.Errorf("observed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrorsOfTheDatabaseSayWhatWasBeingDone(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := w.VideoByID(ctx, 1)
			if !errors.Is(err, context.Canceled) || err.Error() != "video: context canceled" {
				t.Errorf("read: got %q", err)
			}
			check(t, w.db.Writer.Close())
			_, err = w.AddPlayer(t.Context(), contest.Player{CreatedAt: start}, "")
			if err == nil || err.Error() != "add_player: begin: sql: database is closed" {
				t.Errorf("write: got %v", err)
			}
		})
	}
}

// Cancelling the caller's context does not cancel a write: it is committed and returns its result.
func TestWritesDoNotEndWithTheirContext(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			p, err := w.AddPlayer(ctx, contest.Player{FirstName: "Ana", LastName: "B", Email: "a@b.co", CreatedAt: start}, "h")
			check(t, err)
			if _, err := w.PlayerByID(t.Context(), p.ID); err != nil {
				t.Errorf("it was told to be there: %v", err)
			}
		})
	}
}

// atOnce runs fn n times concurrently.
func atOnce(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-begin
			errs[i] = fn(i)
		})
	}
	ready.Wait()
	close(begin)
	done.Wait()
	return errs
}

// succeeded counts the calls without an error. The others must have ended with the refusal.
func succeeded(t tester, errs []error, refusal error) (n int) {
	t.Helper()
	for _, err := range errs {
		switch {
		case err == nil:
			n++
		case !errors.Is(err, refusal):
			t.Errorf("got %v, want %v", err, refusal)
		}
	}
	return n
}

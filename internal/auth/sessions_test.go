package auth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/auth"
	"risingstars/internal/contest"
	"risingstars/internal/store"
)

// visits are requests of one browser. The test sets the clock.
type visits struct {
	sessions *auth.Sessions
	player   int64
	cookie   *http.Cookie // that the browser has
	now      time.Time
}

func newVisits(t *testing.T, secure bool) *visits {
	t.Helper()
	db, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	_, err = store.Migrate(t.Context(), db)
	check(t, err)
	s := store.New(db, store.Options{})
	v := &visits{now: time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC)}
	p, err := s.AddPlayer(t.Context(), contest.Player{FirstName: "Ana", LastName: "Ríos", Email: "a@example.org", CreatedAt: v.now}, "hash")
	check(t, err)
	v.player = p.ID
	v.sessions = &auth.Sessions{Store: s, Clock: func() time.Time { return v.now }, Secure: secure}
	return v
}

// do is one visit; the browser keeps the cookie that it gets.
func (v *visits) do(t *testing.T, visit func(http.ResponseWriter, *http.Request) error) (given *http.Cookie, err error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if v.cookie != nil {
		r.AddCookie(v.cookie)
	}
	w := httptest.NewRecorder()
	err = visit(w, r)
	if set := w.Result().Cookies(); len(set) > 0 {
		given, v.cookie = set[0], set[0]
	}
	return given, err
}

func (v *visits) begin(t *testing.T) *http.Cookie {
	t.Helper()
	given, err := v.do(t, func(w http.ResponseWriter, r *http.Request) error { return v.sessions.BeginSession(w, r, v.player, 3) })
	check(t, err)
	return given
}

// look reports whether the browser is signed in, and whether it got its cookie again.
func (v *visits) look(t *testing.T) (signedIn, again bool) {
	t.Helper()
	given, err := v.do(t, func(w http.ResponseWriter, r *http.Request) error {
		id, generation, err := v.sessions.PlayerOfCookie(w, r)
		if err == nil && (id != v.player || generation != 3) {
			t.Errorf("got player %d of generation %d", id, generation)
		}
		return err
	})
	if err != nil && !errors.Is(err, auth.ErrInvalidToken) && !errors.Is(err, contest.ErrNotSignedIn) {
		t.Fatal(err)
	}
	return err == nil, given != nil
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSessionsLiveOnWithEachVisit(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	type step struct {
		After           time.Duration // since the visit before
		SignedIn, Again bool
	}
	for name, want := range map[string][]step{
		"seldom":         {{29 * day, true, true}, {29 * day, true, true}, {30*day - time.Second, true, true}},
		"often":          {{time.Hour, true, false}, {22 * time.Hour, true, false}, {2 * time.Hour, true, true}, {time.Hour, true, false}},
		"too late":       {{30 * day, false, false}, {-day, true, true}},
		"too late later": {{10 * day, true, true}, {30 * day, false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisits(t, false)
			v.begin(t)
			var got []step
			for _, s := range want {
				v.now = v.now.Add(s.After)
				signedIn, again := v.look(t)
				got = append(got, step{s.After, signedIn, again})
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("visits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSessionCookies(t *testing.T) {
	t.Parallel()
	for secure, name := range map[bool]string{false: "session", true: "__Host-session"} {
		c := newVisits(t, secure).begin(t)
		if c.Name != name || c.Secure != secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" ||
			c.MaxAge != 30*24*3600 || c.Domain != "" {
			t.Errorf("secure %t: got %v", secure, c)
		}
	}
}

// A copied cookie is worthless after its owner has signed out, or has signed in again.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	v := newVisits(t, false)
	first := v.begin(t)
	second := v.begin(t)
	if first.Value == second.Value {
		t.Error("two sessions have one token")
	}
	v.cookie = first
	if signedIn, _ := v.look(t); signedIn {
		t.Error("the session before goes on")
	}
	v.cookie = second
	given, err := v.do(t, v.sessions.EndSession)
	check(t, err)
	if given == nil || given.MaxAge >= 0 || given.Value != "" {
		t.Errorf("the browser keeps %v", given)
	}
	for _, value := range []string{second.Value, "", "guessed"} {
		v.cookie = &http.Cookie{Name: "session", Value: value}
		if signedIn, _ := v.look(t); signedIn {
			t.Errorf("%q signs in", value)
		}
	}
}

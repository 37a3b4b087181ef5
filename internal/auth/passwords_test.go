package auth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func newPasswords(t *testing.T, cost int) *Passwords {
	t.Helper()
	p, err := NewPasswords(cost, 2)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func hash(t *testing.T, p *Passwords, password string) string {
	t.Helper()
	h, err := p.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestMatches(t *testing.T) {
	t.Parallel()
	p := newPasswords(t, bcrypt.MinCost)
	long := strings.Repeat("x", 72)
	tests := map[string]struct {
		hash, password string
		want           bool
	}{
		"the same":                   {hash(t, p, "una clave larga"), "una clave larga", true},
		"another":                    {hash(t, p, "una clave larga"), "otra clave larga", false},
		"other case":                 {hash(t, p, "una clave larga"), "Una clave larga", false},
		"a beginning":                {hash(t, p, "una clave larga"), "una clave", false},
		"more":                       {hash(t, p, "una clave larga"), "una clave larga ", false},
		"empty":                      {hash(t, p, "una clave larga"), "", false},
		"multibyte":                  {hash(t, p, "contraseña ñ"), "contraseña ñ", true},
		"72 bytes":                   {hash(t, p, long), long, true},
		"71 of 72 bytes":             {hash(t, p, long), long[1:], false},
		"73 bytes of which 72 match": {hash(t, p, long), long + "x", false},
		"a kilobyte":                 {hash(t, p, long), strings.Repeat("x", 1024), false},
		"no hash":                    {"", "una clave larga", false},
		"no hash, empty":             {"", "", false},
		"no hash, the dummy's":       {"", "nobody's password", false},
		"no hash, a kilobyte":        {"", strings.Repeat("x", 1024), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := p.Matches(t.Context(), test.hash, test.password)
			if got != test.want || err != nil {
				t.Errorf("got %t, %v, want %t", got, err, test.want)
			}
		})
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	p := newPasswords(t, 5)
	a, b := hash(t, p, "una clave larga"), hash(t, p, "una clave larga")
	if a == b {
		t.Error("the same password gives the same hash: there is no salt")
	}
	if cost, err := bcrypt.Cost([]byte(a)); cost != 5 || err != nil {
		t.Errorf("got cost %d, %v, want 5", cost, err)
	}
	if _, err := p.Hash(t.Context(), strings.Repeat("x", 73)); err == nil {
		t.Error("73 bytes are hashed")
	}
}

func TestHashesOfAnotherCostStillMatch(t *testing.T) {
	t.Parallel()
	old := hash(t, newPasswords(t, 4), "una clave larga")
	if got, err := newPasswords(t, 5).Matches(t.Context(), old, "una clave larga"); !got || err != nil {
		t.Errorf("got %t, %v", got, err)
	}
}

func TestMatchesWithADamagedHash(t *testing.T) {
	t.Parallel()
	p := newPasswords(t, bcrypt.MinCost)
	for _, damaged := range []string{"x", "$2a$10$", strings.Repeat("x", 60)} {
		if got, err := p.Matches(t.Context(), damaged, "una clave larga"); got || err == nil {
			t.Errorf("%q: got %t, %v", damaged, got, err)
		}
	}
}

func TestNewPasswordsRefusesAnImpossibleCost(t *testing.T) {
	t.Parallel()
	if _, err := NewPasswords(bcrypt.MaxCost+1, 1); err == nil {
		t.Error("a cost of 32 is taken")
	}
}

// The time of a sign-in does not reveal whether an account exists: bcrypt also runs for an empty hash and for a
// password that is too long. A hash that bcrypt cannot parse shows that it ran, because Matches then returns an
// error.
func TestMatchesComparesWithoutAnAccount(t *testing.T) {
	t.Parallel()
	p := newPasswords(t, bcrypt.MinCost)
	known := hash(t, p, "una clave larga")
	p.dummy = []byte("damaged")
	for name, try := range map[string][2]string{
		"no account":                 {"", "otra clave"},
		"no account, empty password": {"", ""},
		"too long a password":        {known, strings.Repeat("x", 100)},
		"empty password":             {"damaged", ""},
	} {
		if got, err := p.Matches(t.Context(), try[0], try[1]); got || err == nil {
			t.Errorf("%s: got %t, %v: nothing was compared", name, got, err)
		}
	}
}

// BenchmarkMatches shows that all cases take the same time.
func BenchmarkMatches(b *testing.B) {
	p, err := NewPasswords(7, 2)
	if err != nil {
		b.Fatal(err)
	}
	known, err := p.Hash(b.Context(), "una clave larga")
	if err != nil {
		b.Fatal(err)
	}
	for name, try := range map[string][2]string{
		"a wrong password":    {known, "otra clave"},
		"no account":          {"", "otra clave"},
		"empty password":      {known, ""},
		"too long a password": {known, strings.Repeat("x", 100)},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if got, err := p.Matches(b.Context(), try[0], try[1]); got || err != nil {
					b.Fatalf("got %t, %v", got, err)
				}
			}
		})
	}
}

func TestPasswordsWaitForATurnNoLongerThanTheirContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // a call that waits forever fails in the bubble
		p := &Passwords{cost: bcrypt.MinCost, slots: make(chan struct{}, 1)}
		p.slots <- struct{}{} // all slots are in use
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Hash(ctx, "una clave larga"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("hash: got %v, want %v", err, context.DeadlineExceeded)
		}
		if ok, err := p.Matches(ctx, "", "una clave larga"); ok || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("matches: got %t, %v, want %v", ok, err, context.DeadlineExceeded)
		}
		<-p.slots
		hash(t, p, "una clave larga") // the call that gave up does not hold a slot
	})
}

// A call that gets no slot returns ErrBusy after slotTimeout.
func TestPasswordsAreBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &Passwords{cost: bcrypt.MinCost, slots: make(chan struct{}, 1)}
		p.slots <- struct{}{}
		began := time.Now()
		if _, err := p.Hash(t.Context(), "una clave larga"); !errors.Is(err, ErrBusy) {
			t.Errorf("hash: got %v, want %v", err, ErrBusy)
		}
		if ok, err := p.Matches(t.Context(), "", "una clave larga"); ok || !errors.Is(err, ErrBusy) {
			t.Errorf("matches: got %t, %v, want %v", ok, err, ErrBusy)
		}
		if got := time.Since(began); got != 2*slotTimeout {
			t.Errorf("both waited %s, want %s each", got, slotTimeout)
		}
	})
}

func TestPasswordsWaitForATurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &Passwords{cost: bcrypt.MinCost, slots: make(chan struct{}, 1)}
		p.slots <- struct{}{}
		done := make(chan error, 1)
		go func() {
			_, err := p.Hash(t.Context(), "una clave larga")
			done <- err
		}()
		synctest.Wait()
		select {
		case err := <-done:
			t.Errorf("it did not wait: %v", err)
		default:
		}
		<-p.slots
		if err := <-done; err != nil {
			t.Error(err)
		}
		if len(p.slots) != 0 {
			t.Error("the turn was not given back")
		}
	})
}

// The hash that is compared without an account has the same cost as a real one.
func TestNobodysHashHasTheCost(t *testing.T) {
	t.Parallel()
	for cost := bcrypt.MinCost; cost <= 15; cost++ {
		p, err := NewPasswords(cost, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := bcrypt.Cost(p.dummy); got != cost || err != nil {
			t.Errorf("got %d, %v, want %d", got, err, cost)
		}
	}
}

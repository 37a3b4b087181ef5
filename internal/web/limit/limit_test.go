package limit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
	"risingstars/internal/live"
	"risingstars/internal/web/limit"
)

// clock returns a fixed time, which the test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newLimits(c *clock) *limit.Limits {
	minute := func(name string, burst int) live.Rule { return live.Rule{Name: name, Burst: burst, Every: time.Minute} }
	guesses := minute("both", 3)
	guesses.Most = 15 * time.Minute
	return &limit.Limits{Shared: live.NewLocal(c.now), Rules: limit.Rules{
		SignUps: minute("sign-ups", 2), FailedSignIns: guesses, FailedSignInsAddress: minute("address", 5),
		FailedSignInsAccount: minute("account", 8), Votes: minute("votes", 2), VotesAddress: minute("votes by address", 3),
		UploadsAtOnce: 2,
	}}
}

func wrong() error { return contest.ErrBadCredentials }
func right() error { return nil }

// wait is the time after which to retry, or the other error of an attempt.
func wait(err error) string {
	if tooMany, ok := errors.AsType[*contest.TooManyError](err); ok {
		return tooMany.RetryAfter.String()
	}
	return fmt.Sprint(err)
}

const failed = "no such email and password"

func TestGuessesOfOneAccountFromOneAddress(t *testing.T) {
	t.Parallel()
	c := &clock{time.Unix(1e9, 0)}
	l := newLimits(c)
	steps := []struct {
		pass    time.Duration
		account string
		address string
		check   func() error
		want    string
	}{
		{0, "ana@example.org", "10.0.0.1", wrong, failed},
		{0, " ANA@example.org", "10.0.0.1", right, "<nil>"}, // is not counted
		{0, "Ana@Example.org ", "10.0.0.1", wrong, failed},
		{0, "ana@example.org", "10.0.0.1", wrong, failed},
		{0, "ana@example.org", "10.0.0.1", right, "1m0s"}, // the client does not learn that the password is right
		{0, "ana@example.org", "10.0.0.2", right, "<nil>"},
		{0, "beto@example.org", "10.0.0.1", right, "<nil>"},
		{time.Minute, "ana@example.org", "10.0.0.1", wrong, failed},
		{time.Minute, "ana@example.org", "10.0.0.1", wrong, "1m0s"}, // the backoff is two minutes by now
		{time.Minute, "ana@example.org", "10.0.0.1", right, "<nil>"},
		{0, "ana@example.org", "10.0.0.1", right, "<nil>"},
	}
	for i, s := range steps {
		c.at = c.at.Add(s.pass)
		if got := wait(l.LimitSignIn(t.Context(), s.account, s.address, s.check)); got != s.want {
			t.Errorf("step %d: got %s, want %s", i, got, s.want)
		}
	}
}

// Only a wrong password is counted, and not a failing database or a busy hasher.
func TestOnlyWrongPasswordsCount(t *testing.T) {
	t.Parallel()
	l := newLimits(&clock{time.Unix(1e9, 0)})
	for _, err := range []error{errors.New("the database is away"), &contest.TooManyError{RetryAfter: time.Second}, context.Canceled} {
		for range 10 {
			if got := l.LimitSignIn(t.Context(), "ana@example.org", "10.0.0.1", func() error { return err }); !errors.Is(got, err) {
				t.Fatalf("got %v, want %v", got, err)
			}
		}
	}
}

func TestGuessesFromOneAddress(t *testing.T) {
	t.Parallel()
	l := newLimits(&clock{time.Unix(1e9, 0)})
	for i := range 5 {
		if got := wait(l.LimitSignIn(t.Context(), fmt.Sprint(i), "2001:db8:1:2::"+fmt.Sprint(i), wrong)); got != failed {
			t.Errorf("guess %d: got %s", i, got)
		}
	}
	for address, want := range map[string]string{"2001:db8:1:2::99": "1m0s", "2001:db8:1:3::1": "<nil>", "10.0.0.1": "<nil>"} {
		if got := wait(l.LimitSignIn(t.Context(), "another", address, right)); got != want {
			t.Errorf("from %s: got %s, want %s", address, got, want)
		}
	}
}

// Many addresses together can guess one account's password only slowly, and do not lock its owner out.
func TestGuessesOfOneAccountFromManyAddresses(t *testing.T) {
	t.Parallel()
	l := newLimits(&clock{time.Unix(1e9, 0)})
	guesses := 0
	for i := range 100 {
		for range 3 {
			if wait(l.LimitSignIn(t.Context(), "ana@example.org", fmt.Sprintf("10.1.1.%d", i), wrong)) == failed {
				guesses++
			}
		}
	}
	// Three attempts from each of the first addresses, until the account has its eight, and two from each other
	// address.
	if want := 8 + 1 + 97*2; guesses != want {
		t.Errorf("%d guesses went through, want %d", guesses, want)
	}
	if got := wait(l.LimitSignIn(t.Context(), "ana@example.org", "10.2.2.2", wrong)); got != failed {
		t.Errorf("the owner's mistake: got %s", got)
	}
	if got := wait(l.LimitSignIn(t.Context(), "ana@example.org", "10.2.2.2", right)); got != "<nil>" {
		t.Errorf("the owner: got %s", got)
	}
}

// Concurrent attempts allow as many guesses as sequential ones.
func TestGuessesAtOnce(t *testing.T) {
	t.Parallel()
	l := newLimits(&clock{time.Unix(1e9, 0)})
	var guessed atomic.Int64
	done, begin := make(chan struct{}), make(chan struct{})
	for range 50 {
		go func() {
			<-begin
			_ = l.LimitSignIn(context.WithoutCancel(t.Context()), "ana@example.org", "10.0.0.1", func() error {
				guessed.Add(1)
				<-begin
				return contest.ErrBadCredentials
			})
			done <- struct{}{}
		}()
	}
	close(begin)
	for range 50 {
		<-done
	}
	if got := guessed.Load(); got != 3 {
		t.Errorf("%d guesses went through, want 3", got)
	}
}

func TestSignUpsVotesAndUploads(t *testing.T) {
	t.Parallel()
	l := newLimits(&clock{time.Unix(1e9, 0)})
	var got []string
	for _, address := range []string{"10.0.0.1", "10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2"} {
		got = append(got, wait(l.AllowSignUp(t.Context(), address)))
	}
	for player := range int64(4) {
		got = append(got, wait(l.AllowVote(t.Context(), player, "10.0.0.1")))
	}
	for range 3 {
		got = append(got, wait(l.AllowVote(t.Context(), 7, "10.0.0.2")))
	}
	var release func()
	for range 3 {
		end, err := l.AcquireUpload(t.Context(), 1)
		got = append(got, wait(err))
		if err == nil {
			release = end
		}
	}
	release()
	_, err := l.AcquireUpload(t.Context(), 1)
	got = append(got, wait(err))
	want := strings.Fields("<nil> <nil> 1m0s 1m0s <nil>  <nil> <nil> <nil> 1m0s  <nil> <nil> 1m0s  <nil> <nil> 10s <nil>")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

// pieces is a body whose pieces arrive after a pause each.
type pieces struct {
	clock *clock
	pause time.Duration
	size  int
}

func (p pieces) Read(b []byte) (int, error) {
	p.clock.at = p.clock.at.Add(p.pause)
	return min(p.size, len(b)), nil
}

func TestPaced(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rate  int64
		pause time.Duration
		size  int
		slow  time.Duration // between two reads, because of this server
		want  error
	}{
		"fast":                          {1000, 10 * time.Millisecond, 100, 0, nil},
		"just fast enough":              {1000, time.Second, 1000, 0, nil},
		"too slow":                      {1000, time.Second, 999, 0, os.ErrDeadlineExceeded},
		"a trickle":                     {1, 29 * time.Second, 1, 0, os.ErrDeadlineExceeded},
		"with long pauses":              {1000, 29 * time.Second, 29_000, 0, nil},
		"the disk is slow, not the net": {1000, 10 * time.Millisecond, 100, time.Minute, nil},
		"anything goes":                 {0, time.Hour, 1, 0, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &clock{time.Unix(1e9, 0)}
			body := limit.NewPacedBody(io.NopCloser(pieces{c, test.pause, test.size}), test.rate, c.now)
			buffer := make([]byte, 1<<20)
			var err error
			for range 10_000 {
				if _, err = body.Read(buffer); err != nil {
					break
				}
				c.at = c.at.Add(test.slow)
			}
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// The bytes that arrived are returned together with the error.
func TestPacedPassesOn(t *testing.T) {
	t.Parallel()
	c := &clock{}
	got, err := io.ReadAll(limit.NewPacedBody(io.NopCloser(strings.NewReader("all of it")), 1<<40, c.now))
	if string(got) != "all of it" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

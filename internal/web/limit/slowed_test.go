package limit_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// During an attack, Slowed is called once an hour for each throttled account and address, and a bounded number of
// times in all.
func TestSlowedSignInsAreToldOnce(t *testing.T) {
	t.Parallel()
	c := &clock{time.Unix(1e9, 0)}
	l := newLimits(c)
	var told []string
	l.Slowed = func(_ context.Context, account, address string) { told = append(told, account+" "+address) }
	try := func(account, address string, times int) {
		for range times {
			_ = l.LimitSignIn(t.Context(), account, address, wrong)
		}
	}
	try("Ana@example.org", "10.0.0.1", 3)
	if len(told) != 0 {
		t.Errorf("told of %q before anybody had to wait", told)
	}
	try("ana@example.org", "10.0.0.1", 20)
	c.at = c.at.Add(90 * time.Minute)
	try("ana@example.org", "10.0.0.1", 20)
	want := []string{"ana@example.org 10.0.0.1", "ana@example.org 10.0.0.1"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}

	told = nil
	for i := range 300 {
		try("ana@example.org", fmt.Sprintf("10.1.%d.%d", i/200, i%200), 5)
	}
	if n := len(told); n < 90 || n > 100 {
		t.Errorf("of 300 addresses %d were told", n)
	}
}

// Slowed is called even if the client disconnects at once.
func TestThrottledSignInsAreRecordedAfterAHangUp(t *testing.T) {
	t.Parallel()
	l := newLimits(&clock{time.Unix(1e9, 0)})
	told, ended := 0, error(nil)
	l.Slowed = func(ctx context.Context, _, _ string) { told, ended = told+1, ctx.Err() }
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	for range 5 {
		_ = l.LimitSignIn(gone, "ana@example.org", "10.0.0.1", wrong)
	}
	if told != 1 || ended != nil {
		t.Errorf("told %d times, in a context that ended with: %v", told, ended)
	}
}

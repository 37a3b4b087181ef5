package testserver

import (
	"net"
	"testing"
	"time"
)

// Patience is the timeout of tests for events whose progress cannot be observed. The busiest machine needs far less,
// so only a failure reaches it. No test uses a shorter one.
const Patience = 3 * time.Minute

// Eventually polls until done returns true. It fails the test after Patience.
func Eventually(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	EventuallyMoving(tb, what, func() (struct{}, bool) { return struct{}{}, done() })
}

// EventuallyMoving polls until look reports done. It waits as long as the state that look returns keeps changing,
// however slow the machine is, and fails the test after the state has been the same for Patience.
func EventuallyMoving[S comparable](tb testing.TB, what string, look func() (state S, done bool)) {
	tb.Helper()
	before, done := look()
	deadline := time.Now().Add(Patience)
	// Polling uses the processors that the test waits for, so the interval grows to 100 ms.
	for interval := 5 * time.Millisecond; !done; interval = min(interval*5/4, 100*time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("not within %s: %s (state: %+v)", Patience, what, before)
		}
		<-time.After(interval)
		var now S
		if now, done = look(); now != before {
			before, deadline = now, time.Now().Add(Patience)
		}
	}
}

// Within returns what a channel delivers. It fails the test after Patience.
func Within[T any](tb testing.TB, what string, from <-chan T) (v T) {
	tb.Helper()
	select {
	case v = <-from:
	case <-time.After(Patience):
		tb.Fatalf("not within %s: %s", Patience, what)
	}
	return v
}

// Dial opens a TCP connection whose reads and writes fail after Patience. It is closed at the end of the test.
func Dial(tb testing.TB, addr string) net.Conn {
	tb.Helper()
	var d net.Dialer
	c, err := d.DialContext(tb.Context(), "tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() }) // a test may close it earlier
	if err := c.SetDeadline(time.Now().Add(Patience)); err != nil {
		tb.Fatal(err)
	}
	return c
}

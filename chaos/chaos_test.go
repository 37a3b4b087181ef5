// Package chaos runs real processes under load, injects faults of every kind chosen by a seed, and then compares the
// state of the platform with what it acknowledged.
//
//	scripts/chaos long -for 10m -seed 42 -topology fleet
//
// prints the seed. The same seed gives the same faults in the same order; how they coincide with the load depends on
// the machine.
package chaos

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"risingstars/internal/testkit/history"
	"risingstars/internal/testserver"
)

var (
	length   = flag.Duration("for", 0, "how long faults are made; 0 means no limit")
	rounds   = flag.Int("rounds", 0, "how often each kind of fault is made; 0 means no limit, and without -for none at all: the test is skipped")
	logs     = flag.String("logs", os.TempDir(), "the folder that keeps the logs of a run that fails")
	seed     = flag.Uint64("seed", 0, "repeats the faults of a run; 0 takes a new one")
	topology = flag.String("topology", "", "embedded or fleet; empty for both at once")
)

func TestChaos(t *testing.T) {
	t.Parallel()
	if *length == 0 && *rounds == 0 {
		t.Skip("scripts/chaos runs it")
	}
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano() % 1_000_000)
	}
	for name, build := range map[string]func(testing.TB) *world{"embedded": newEmbedded, "fleet": newFleet} {
		if *topology != "" && *topology != name {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Logf("-for %s -rounds %d -seed %d -topology %s", *length, *rounds, *seed, name)
			suffer(t, build(t))
		})
	}
}

// suffer puts load on a world, injects faults for a time, removes them, and checks the state.
func suffer(t *testing.T, w *world) {
	t.Helper()
	l := newLoad(w, *seed)
	l.warmUp()
	ctx, end := context.WithCancel(t.Context())
	if *length > 0 {
		ctx, end = context.WithTimeout(t.Context(), *length)
	}
	defer end()
	l.begin(ctx)
	w.harm(ctx, rand.New(rand.NewPCG(*seed, 1)), *rounds)
	end()
	l.wait()
	t.Log("healed; waiting until nothing is on its way")
	w.heal()
	w.settle()

	t.Logf("operations: %v", l.history.CountByOutcome())
	t.Logf("answers: %v, the slowest 503 after %s", l.statuses, l.slowest.Round(time.Millisecond))
	if n := len(l.wrong); n > 0 {
		t.Errorf("%d answers should not be, among them:\n%s", n, strings.Join(l.wrong[:min(n, 10)], "\n"))
	}
	var findings []history.Finding
	// The sweep runs some seconds after the grace time at the latest.
	for deadline := time.Now().Add(testserver.Patience); ; <-time.After(time.Second) {
		findings = history.Check(l.history.Operations(), w.state(l), history.Rules{VideosMayFail: true})
		if len(findings) == 0 || time.Now().After(deadline) {
			break
		}
	}
	for _, f := range findings {
		t.Error(f)
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// between returns a random duration.
func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(random.Int64N(int64(most-least)+1))
}

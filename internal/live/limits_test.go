package live

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var rule = Rule{Name: "votes", Burst: 3, Every: 10 * time.Second}

func TestTakeAllowsABurstAndThenARate(t *testing.T) {
	t.Parallel()
	clock := newClock()
	l := NewLocal(clock.now)
	steps := []struct {
		pass, want time.Duration
	}{
		{0, 0}, {0, 0}, {0, 0}, // the burst
		{0, 10 * time.Second}, // a refused use does not count
		{0, 10 * time.Second},
		{4 * time.Second, 6 * time.Second},
		{6*time.Second - 1, 1},
		{1, 0}, // one use more per ten seconds
		{0, 10 * time.Second},
		{25 * time.Second, 0}, {0, 0},
		{0, 5 * time.Second},
		{time.Hour, 0}, {0, 0}, {0, 0}, // never more than the burst
		{0, 10 * time.Second},
	}
	for i, step := range steps {
		clock.advance(step.pass)
		if got := l.Take(t.Context(), rule, "ana"); got != step.want {
			t.Errorf("step %d, after %s more: got %s, want %s", i, step.pass, got, step.want)
		}
	}
}

func TestWaitDoesNotCount(t *testing.T) {
	t.Parallel()
	clock := newClock()
	l := NewLocal(clock.now)
	var got []time.Duration
	for range 5 {
		for range 3 {
			got = append(got, l.Wait(t.Context(), rule, "ana"))
		}
		l.Take(t.Context(), rule, "ana")
	}
	s := 10 * time.Second
	if diff := cmp.Diff([]time.Duration{0, 0, 0, 0, 0, 0, 0, 0, 0, s, s, s, s, s, s}, got); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

func TestKeysAndRulesAreApart(t *testing.T) {
	t.Parallel()
	l := NewLocal(newClock().now)
	once := Rule{Name: "once", Burst: 1, Every: time.Minute}
	other := Rule{Name: "other", Burst: 1, Every: time.Minute}
	if l.Take(t.Context(), once, "ana") != 0 || l.Take(t.Context(), once, "ana") == 0 {
		t.Error("the rule does not hold")
	}
	if got := l.Take(t.Context(), once, "beto"); got != 0 {
		t.Errorf("another key waits %s", got)
	}
	if got := l.Take(t.Context(), other, "ana"); got != 0 {
		t.Errorf("another rule waits %s", got)
	}
}

func TestTakeByManyAtOnce(t *testing.T) {
	t.Parallel()
	l := NewLocal(newClock().now)
	var allowed atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if l.Take(t.Context(), rule, "ana") == 0 {
				allowed.Add(1)
			}
		})
	}
	all.Wait()
	if got := allowed.Load(); got != int64(rule.Burst) {
		t.Errorf("%d were allowed, want %d", got, rule.Burst)
	}
}

func TestLimitsKeepABoundedNumberOfKeys(t *testing.T) {
	t.Parallel()
	l := NewLocal(newClock().now)
	for i := range limitedKeys + 10 {
		l.Take(t.Context(), rule, fmt.Sprint(i))
	}
	if got := l.counts.Len(); got != limitedKeys {
		t.Errorf("%d keys are kept, want %d", got, limitedKeys)
	}
}

// In no interval are more uses allowed than the burst and one more per Every. A caller that waits as long as told is
// allowed.
func TestTakeKeepsToTheRule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		clock := newClock()
		l := NewLocal(clock.now)
		rule := Rule{Name: "r", Burst: rapid.IntRange(1, 5).Draw(t, "burst"), Every: time.Duration(rapid.IntRange(1, 20).Draw(t, "every"))}
		var allowed []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "tries") {
			clock.advance(time.Duration(rapid.IntRange(0, 15).Draw(t, "pass")))
			wait := l.Take(t.Context(), rule, "k")
			if wait > 0 && rapid.Bool().Draw(t, "waits") {
				clock.advance(wait)
				if wait = l.Take(t.Context(), rule, "k"); wait != 0 {
					t.Fatalf("waited as told, and is told to wait %s", wait)
				}
			}
			if wait == 0 {
				allowed = append(allowed, clock.now())
			}
		}
		for i := range allowed {
			for j := i; j < len(allowed); j++ {
				if most := rule.Burst + int(allowed[j].Sub(allowed[i])/rule.Every); j-i+1 > most {
					t.Fatalf("%d within %s of %+v", j-i+1, allowed[j].Sub(allowed[i]), rule)
				}
			}
		}
	})
}

func TestWaitsGrow(t *testing.T) {
	t.Parallel()
	clock := newClock()
	l := NewLocal(clock.now)
	s := time.Second
	growing := Rule{Name: "guesses", Burst: 3, Every: 10 * s, Most: 60 * s}
	steps := []struct{ pass, want time.Duration }{
		{0, 0}, {0, 0}, {0, 0}, // the burst
		{0, 10 * s}, {9 * s, s}, {s, 0}, // then each wait is twice as long
		{0, 20 * s}, {20 * s, 0},
		{0, 40 * s}, {40 * s, 0},
		{0, 60 * s}, {60 * s, 0}, // up to the longest
		{0, 60 * s}, {60 * s, 0},
		{60*s + 59*s, 0}, // the pause is shorter than Most
		{0, 60 * s},
		{60*s + 60*s, 0}, {0, 0}, {0, 0}, // the burst is available again
		{0, 10 * s},
	}
	for i, step := range steps {
		clock.advance(step.pass)
		for range 2 { // a peek counts nothing
			if got := l.Wait(t.Context(), growing, "ana"); got != step.want {
				t.Errorf("step %d: told to wait %s, want %s", i, got, step.want)
			}
		}
		if got := l.Take(t.Context(), growing, "ana"); got != step.want {
			t.Errorf("step %d, after %s more: got %s, want %s", i, step.pass, got, step.want)
		}
	}
}

func TestUnlimited(t *testing.T) {
	t.Parallel()
	for range 100 {
		if _, ok := (Unlimited{}).Hold(t.Context(), "uploads", "ana", 1); !ok {
			t.Fatal("it holds")
		}
	}
	for range 100 {
		if (Unlimited{}).Take(t.Context(), rule, "ana") != 0 || (Unlimited{}).Wait(t.Context(), rule, "ana") != 0 {
			t.Fatal("it limits")
		}
	}
}

package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"risingstars/internal/contest"
)

// clock is a fake clock that only advance moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// counted loads a different answer each time.
type counted struct{ n atomic.Int64 }

func (c *counted) load(context.Context) ([]byte, error) {
	return fmt.Append(nil, c.n.Add(1)), nil
}

func fetch(t *testing.T, l *Local, topic contest.Topic, key string, load func(context.Context) ([]byte, error)) string {
	t.Helper()
	got, err := l.Fetch(t.Context(), topic, key, load)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestFetchKeepsAnswers(t *testing.T) {
	t.Parallel()
	clock := newClock()
	l := NewLocal(clock.now)
	var answers counted
	steps := []struct {
		name  string
		do    func()
		topic contest.Topic
		key   string
		want  string
	}{
		{"first", func() {}, contest.VotesChanged, "a", "1"},
		{"the same again", func() {}, contest.VotesChanged, "a", "1"},
		{"another key", func() {}, contest.VotesChanged, "b", "2"},
		{"another topic", func() {}, contest.VideosChanged, "a", "3"},
		{"another topic's forgotten", func() { l.InvalidateCache(t.Context(), contest.VideosChanged) }, contest.VotesChanged, "a", "1"},
		{"and that one is made anew", func() {}, contest.VideosChanged, "a", "4"},
		{"its own forgotten", func() { l.InvalidateCache(t.Context(), contest.VotesChanged) }, contest.VotesChanged, "a", "5"},
		{"the other key of the topic too", func() {}, contest.VotesChanged, "b", "6"},
		{"a second old", func() { clock.advance(time.Second) }, contest.VotesChanged, "a", "5"},
		{"older", func() { clock.advance(time.Nanosecond) }, contest.VotesChanged, "a", "7"},
		{"and that is kept", func() { clock.advance(time.Second) }, contest.VotesChanged, "a", "7"},
	}
	for _, step := range steps {
		step.do()
		if got := fetch(t, l, step.topic, step.key, answers.load); got != step.want {
			t.Errorf("%s: got %s, want %s", step.name, got, step.want)
		}
	}
}

// One caller loads an expired answer again while the others get the old one. No caller gets an invalidated answer.
func TestFetchGivesTheOldAnswerWhileItIsRenewed(t *testing.T) {
	t.Parallel()
	clock := newClock()
	l := NewLocal(clock.now)
	var answers counted
	fetch(t, l, contest.VotesChanged, "a", answers.load)
	clock.advance(maxAge + 1)
	begun, finish, done := make(chan struct{}), make(chan struct{}), make(chan string)
	go func() {
		got, _ := l.Fetch(t.Context(), contest.VotesChanged, "a", func(ctx context.Context) ([]byte, error) {
			close(begun)
			<-finish
			return answers.load(ctx)
		})
		done <- string(got)
	}()
	<-begun

	meanwhile := fetch(t, l, contest.VotesChanged, "a", answers.load)
	l.InvalidateCache(t.Context(), contest.VotesChanged)
	afterForget := fetch(t, l, contest.VotesChanged, "a", answers.load)
	close(finish)
	renewed := <-done

	if meanwhile != "1" || afterForget != "2" || renewed != "3" {
		t.Errorf("got %s while it was renewed, %s after it was forgotten, then %s", meanwhile, afterForget, renewed)
	}
}

// While a load is in progress, an answer older than renewing is not returned.
func TestFetchWaitsForWhatIsTooOld(t *testing.T) {
	t.Parallel()
	clock := newClock()
	c := newCache(clock.now)
	var answers counted
	load := func(ctx context.Context) ([]byte, time.Duration, error) {
		b, err := answers.load(ctx)
		return b, 0, err
	}
	if _, err := c.fetch(t.Context(), contest.VotesChanged, "a", load); err != nil {
		t.Fatal(err)
	}
	c.mark(string(contest.VotesChanged)+" a", true)
	for _, test := range []struct {
		age time.Duration
		ok  bool
	}{{maxAge + 1, true}, {renewing, true}, {renewing + 1, false}} {
		clock.advance(test.age - clock.now().Sub(newClock().now()))
		if _, _, ok := c.get(contest.VotesChanged, string(contest.VotesChanged)+" a"); ok != test.ok {
			t.Errorf("after %v: got %v, want %v", test.age, ok, test.ok)
		}
	}
}

func TestFetchDoesNotKeepErrors(t *testing.T) {
	t.Parallel()
	l := NewLocal(newClock().now)
	errBroken := errors.New("broken")
	_, err := l.Fetch(t.Context(), contest.VotesChanged, "a", func(context.Context) ([]byte, error) { return []byte("half"), errBroken })
	if !errors.Is(err, errBroken) {
		t.Errorf("got %v, want %v", err, errBroken)
	}
	var answers counted
	if got := fetch(t, l, contest.VotesChanged, "a", answers.load); got != "1" {
		t.Errorf("after an error: got %q", got)
	}
}

func TestFetchLoadsOnceForManyAtOnce(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]error{"an answer": nil, "an error": errors.New("broken")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := NewLocal(time.Now)
				release := make(chan bool)
				var loads atomic.Int64
				var askers sync.WaitGroup
				for range 50 {
					askers.Go(func() {
						got, err := l.Fetch(t.Context(), contest.VotesChanged, "a", func(context.Context) ([]byte, error) {
							loads.Add(1)
							<-release
							return []byte("answer"), want
						})
						if !errors.Is(err, want) || want == nil && string(got) != "answer" {
							t.Errorf("got %q, %v", got, err)
						}
					})
				}
				synctest.Wait() // all of them wait for the one load
				close(release)
				askers.Wait()
				if got := loads.Load(); got != 1 {
					t.Errorf("loaded %d times", got)
				}
			})
		})
	}
}

// An answer whose load began before an invalidation is not returned to callers that ask after it, in whichever order
// the loads end.
func TestFetchAfterForgetIsFresh(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"old ends first", "new ends first"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := NewLocal(time.Now)
				oldGate, newGate := make(chan bool), make(chan bool)
				load := func(gate chan bool, text string) func(context.Context) ([]byte, error) {
					return func(context.Context) ([]byte, error) { <-gate; return []byte(text), nil }
				}
				got := make([]string, 2)
				var askers sync.WaitGroup
				ask := func(i int, gate chan bool, text string) {
					askers.Go(func() {
						bytes, err := l.Fetch(t.Context(), contest.VotesChanged, "a", load(gate, text))
						if err != nil {
							t.Error(err)
						}
						got[i] = string(bytes)
					})
					synctest.Wait()
				}
				ask(0, oldGate, "old")
				l.InvalidateCache(t.Context(), contest.VotesChanged)
				ask(1, newGate, "new")
				gates := []chan bool{oldGate, newGate}
				if order == "new ends first" {
					gates = []chan bool{newGate, oldGate}
				}
				for _, gate := range gates {
					close(gate)
					synctest.Wait()
				}
				askers.Wait()
				if diff := cmp.Diff([]string{"old", "new"}, got); diff != "" {
					t.Errorf("answers (-want +got):\n%s", diff)
				}
				if kept := fetch(t, l, contest.VotesChanged, "a", load(oldGate, "made again")); kept != "new" {
					t.Errorf("kept: got %q, want the new one", kept)
				}
			})
		})
	}
}

// A write commits, then invalidates. A caller that asks after that must see the write, whatever other loads run.
func TestFetchNeverGivesAnOlderAnswerThanTheLastForget(t *testing.T) {
	t.Parallel()
	l := NewLocal(time.Now)
	var committed atomic.Int64
	load := func(context.Context) ([]byte, error) { return fmt.Append(nil, committed.Load()), nil }
	var writer, askers sync.WaitGroup
	stop := make(chan bool)
	for range 4 {
		askers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := l.Fetch(t.Context(), contest.VotesChanged, "a", load); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		writer.Go(func() {
			for range 500 {
				least := committed.Add(1)
				l.InvalidateCache(t.Context(), contest.VotesChanged)
				bytes, err := l.Fetch(t.Context(), contest.VotesChanged, "a", load)
				var got int64
				if _, scan := fmt.Sscan(string(bytes), &got); err != nil || scan != nil || got < least {
					t.Errorf("got %s, %v, want %d or more", bytes, err, least)
					return
				}
			}
		})
	}
	writer.Wait()
	close(stop)
	askers.Wait()
}

func TestFetchGoesOnWhenTheFirstAskerHangsUp(t *testing.T) {
	t.Parallel()
	l := NewLocal(time.Now)
	ctx, hangUp := context.WithCancel(t.Context())
	got, err := l.Fetch(ctx, contest.VotesChanged, "a", func(ctx context.Context) ([]byte, error) {
		hangUp() // other callers may wait for this answer by now
		return []byte("answer"), ctx.Err()
	})
	if string(got) != "answer" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFetchBoundsALoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLocal(time.Now)
		_, err := l.Fetch(context.Background(), contest.VotesChanged, "a", func(ctx context.Context) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

func TestFetchKeepsABoundedNumber(t *testing.T) {
	t.Parallel()
	l := NewLocal(newClock().now)
	var answers counted
	for i := range 2 * cachedAnswers {
		fetch(t, l, contest.VotesChanged, fmt.Sprint(i), answers.load)
	}
	if got := l.answers.Len(); got != cachedAnswers {
		t.Errorf("%d answers are kept, want %d", got, cachedAnswers)
	}
	if got := fetch(t, l, contest.VotesChanged, fmt.Sprint(2*cachedAnswers-1), answers.load); got != fmt.Sprint(2*cachedAnswers) {
		t.Errorf("the latest was not kept: got %s", got)
	}
}

// Each answer counts once as loaded, and as served by the process for every other caller.
func TestLookupsAreCounted(t *testing.T) {
	t.Parallel()
	l := NewLocal(newClock().now)
	var answers counted
	for range 3 {
		fetch(t, l, contest.VotesChanged, "a", answers.load)
	}
	l.InvalidateCache(t.Context(), contest.VotesChanged)
	fetch(t, l, contest.VotesChanged, "a", answers.load)
	got := []float64{testutil.ToFloat64(l.lookups.made), testutil.ToFloat64(l.lookups.process), testutil.ToFloat64(l.lookups.redis)}
	if diff := cmp.Diff([]float64{2, 2, 0}, got); diff != "" {
		t.Errorf("made, from the process and from Redis (-want +got):\n%s", diff)
	}
}

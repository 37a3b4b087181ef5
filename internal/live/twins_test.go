package live

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"risingstars/internal/contest"
	"risingstars/internal/testserver"
)

// twin is what both implementations must do for one process, with or without other processes.
type twin interface {
	contest.Live
	Progress(ctx context.Context, videoID int64) int
	Watch(ctx context.Context, videoID int64) *Watch
	Fetch(ctx context.Context, topic contest.Topic, key string, load func(context.Context) ([]byte, error)) ([]byte, error)
	Take(ctx context.Context, rule Rule, key string) time.Duration
	Wait(ctx context.Context, rule Rule, key string) time.Duration
	Give(ctx context.Context, rule Rule, key string)
	Hold(ctx context.Context, name, key string, most int) (release func(), ok bool)
}

// twinClock is the clock that an implementation's rate limits use. wait returns after the given time on that clock.
type twinClock interface {
	now() time.Time
	wait(d time.Duration)
}

// wait implements twinClock without real waiting.
func (c *clock) wait(d time.Duration) { c.advance(d) }

// redisClock is the clock of a Redis server, with microsecond resolution.
type redisClock struct {
	*testing.T

	client *redis.Client
}

func (c redisClock) now() time.Time {
	c.Helper()
	now, err := c.client.Time(c.Context()).Result()
	if err != nil {
		c.Fatal(err)
	}
	return now
}

func (c redisClock) wait(d time.Duration) {
	c.Helper()
	over := c.now().Add(d)
	eventually(c.T, d.String()+" have passed", func() bool { return !c.now().Before(over) })
}

func TestTwins(t *testing.T) {
	t.Parallel()
	twins := map[string]func(*testing.T) (twin, twinClock){
		"local": func(*testing.T) (twin, twinClock) {
			c := newClock()
			return NewLocal(c.now), c
		},
		"redis": func(t *testing.T) (twin, twinClock) {
			t.Helper()
			r := patient(t, testserver.Redis(t).URL)
			listening(t, r)
			return r, redisClock{t, r.link.client}
		},
		"redis that is away": func(t *testing.T) (twin, twinClock) {
			t.Helper()
			c := newClock()
			// Nothing listens there, so connections are refused at once.
			r, _ := openAt(t, testserver.RedisAt(t, testserver.FreeAddr(t)).URL, testserver.Patience, c.now)
			return r, c
		},
	}
	laws := map[string]func(*testing.T, twin, twinClock){
		"a watch": watchLaw, "progress": progressLaw, "answers": answersLaw, "one load": oneLoadLaw, "fresh answers": freshLaw,
		"old answers": ageLaw, "a burst": burstLaw, "a rate": rateLaw, "many takers": manyTakersLaw, "keys": keysLaw,
		"growing waits": growingLaw, "taken back": giveLaw, "held": holdLaw,
	}
	for name, start := range twins {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for name, law := range laws {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					l, c := start(t)
					law(t, l, c)
				})
			}
		})
	}
}

func watchLaw(t *testing.T, l twin, _ twinClock) {
	t.Helper()
	l.PublishEvent(t.Context(), event(1, 10)) // before the subscription
	w, second, other, closed := l.Watch(t.Context(), 1), l.Watch(t.Context(), 1), l.Watch(t.Context(), 2), l.Watch(t.Context(), 1)
	defer w.Close()
	defer second.Close()
	defer other.Close()
	closed.Close()
	closed.Close() // Close is idempotent
	got := [][]contest.Event{next(w)}
	for progress := range 50 {
		l.PublishEvent(t.Context(), event(1, progress)) // no event is received
	}
	got = append(got, next(w), next(w), next(second), next(other), next(closed))
	deleted := contest.Event{VideoID: 1, Deleted: true}
	l.PublishEvent(t.Context(), deleted)
	l.PublishEvent(t.Context(), event(1, 50)) // of a run that has not seen the deletion
	got = append(got, next(w))
	latest := []contest.Event{event(1, 49)}
	if diff := cmp.Diff([][]contest.Event{nil, latest, nil, latest, nil, nil, {deleted}}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func progressLaw(t *testing.T, l twin, _ twinClock) {
	t.Helper()
	ends := []contest.Event{
		{VideoID: 1, Status: contest.Processed, Progress: 100}, {VideoID: 1, Status: contest.Failed},
		{VideoID: 1, Status: contest.Uploaded}, {VideoID: 1, Status: contest.Processing, Progress: 50, Deleted: true},
	}
	for _, end := range ends {
		got := []int{l.Progress(t.Context(), 1)}
		for _, e := range []contest.Event{event(1, 7), event(2, 50), event(1, 42), end} {
			l.PublishEvent(t.Context(), e)
			got = append(got, l.Progress(t.Context(), 1))
		}
		if diff := cmp.Diff([]int{0, 7, 7, 42, 0}, got); diff != "" {
			t.Errorf("progress before %+v (-want +got):\n%s", end, diff)
		}
	}
}

// ask fetches an answer and fails the test on an error.
func ask(t *testing.T, l twin, topic contest.Topic, key string, load func(context.Context) ([]byte, error)) string {
	t.Helper()
	got, err := l.Fetch(t.Context(), topic, key, load)
	if err != nil {
		t.Error(err)
	}
	return string(got)
}

func answersLaw(t *testing.T, l twin, _ twinClock) {
	t.Helper()
	var answers counted
	errBroken := errors.New("broken")
	if _, err := l.Fetch(t.Context(), contest.VotesChanged, "a", func(context.Context) ([]byte, error) {
		return []byte("half"), errBroken
	}); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want %v", err, errBroken)
	}
	eventually(t, "answers are kept, apart by key and topic", func() bool { // unless a busy machine takes more than maxAge
		a := ask(t, l, contest.VotesChanged, "a", answers.load)
		b := ask(t, l, contest.VotesChanged, "b", answers.load)
		c := ask(t, l, contest.VideosChanged, "a", answers.load)
		if a == b || b == c || a == c || a == "half" {
			t.Fatalf("got %s, %s, %s", a, b, c)
		}
		return ask(t, l, contest.VotesChanged, "a", answers.load) == a && ask(t, l, contest.VotesChanged, "b", answers.load) == b &&
			ask(t, l, contest.VideosChanged, "a", answers.load) == c
	})
	for _, text := range []string{"", " ", "\x00\xff", strings.Repeat("x y ", 100_000)} {
		l.InvalidateCache(t.Context(), contest.VotesChanged)
		for range 2 {
			if got := ask(t, l, contest.VotesChanged, text, func(context.Context) ([]byte, error) { return []byte(text), nil }); got != text {
				t.Errorf("got %d bytes, want %d", len(got), len(text))
			}
		}
	}
}

func oneLoadLaw(t *testing.T, l twin, _ twinClock) {
	t.Helper()
	var loads atomic.Int64
	arrived, release := make(chan bool, 50), make(chan bool)
	var askers sync.WaitGroup
	ctx, hangUp := context.WithCancel(t.Context())
	for range 50 {
		askers.Go(func() {
			arrived <- true
			got, err := l.Fetch(ctx, contest.VotesChanged, "a", func(ctx context.Context) ([]byte, error) {
				loads.Add(1)
				<-release
				return []byte("answer"), ctx.Err()
			})
			if string(got) != "answer" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	for range 50 {
		<-arrived
	}
	eventually(t, "the load has begun", func() bool { return loads.Load() > 0 })
	hangUp() // the first caller; others may wait for the answer by now
	close(release)
	askers.Wait()
	if got := loads.Load(); got != 1 {
		t.Errorf("loaded %d times", got)
	}
}

// A write commits, then invalidates. A caller that asks after that must see the write, whatever other loads run.
func freshLaw(t *testing.T, l twin, _ twinClock) {
	t.Helper()
	var committed atomic.Int64
	load := func(context.Context) ([]byte, error) { return []byte{byte(committed.Load())}, nil }
	stop := make(chan bool)
	var askers sync.WaitGroup
	defer askers.Wait()
	defer close(stop)
	for range 4 {
		askers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					ask(t, l, contest.VotesChanged, "a", load)
				}
			}
		})
	}
	for range 200 {
		least := committed.Add(1)
		l.InvalidateCache(t.Context(), contest.VotesChanged)
		if got := ask(t, l, contest.VotesChanged, "a", load); len(got) != 1 || int64(got[0]) != least {
			t.Fatalf("got %v, want %d", []byte(got), least)
		}
	}
}

func ageLaw(t *testing.T, l twin, c twinClock) {
	t.Helper()
	var answers counted
	began := c.now()
	first := ask(t, l, contest.VotesChanged, "a", answers.load)
	for ask(t, l, contest.VotesChanged, "a", answers.load) == first {
		if age := c.now().Sub(began); age > testserver.Patience {
			t.Fatalf("kept for %s", age)
		}
		c.wait(10 * time.Millisecond)
	}
	if age := c.now().Sub(began); age < maxAge-50*time.Millisecond { // the clocks of Redis and of the process may differ
		t.Errorf("kept for %s only", age)
	}
}

func burstLaw(t *testing.T, l twin, c twinClock) {
	t.Helper()
	slow := Rule{Name: "slow", Burst: 3, Every: time.Hour}
	began := c.now()
	var got []bool
	for range 5 {
		for range 3 {
			got = append(got, l.Wait(t.Context(), slow, "ana") == 0) // a peek counts nothing
		}
		got = append(got, l.Take(t.Context(), slow, "ana") == 0)
	}
	want := []bool{true, true, true, true, true, true, true, true, true, true, true, true, false, false, false, false, false, false, false, false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("allowed (-want +got):\n%s", diff)
	}
	for _, wait := range []time.Duration{l.Wait(t.Context(), slow, "ana"), l.Take(t.Context(), slow, "ana")} {
		if wait < time.Hour-c.now().Sub(began) || wait > time.Hour {
			t.Errorf("has to wait %s, want an hour less the time of this test", wait)
		}
	}
	other := slow
	other.Name = "other"
	if l.Take(t.Context(), slow, "beto") != 0 || l.Take(t.Context(), other, "ana") != 0 {
		t.Error("another key or another rule is refused")
	}
}

// A caller that waits as long as told is allowed, and not much earlier.
func rateLaw(t *testing.T, l twin, c twinClock) {
	t.Helper()
	fast := Rule{Name: "fast", Burst: 2, Every: 300 * time.Millisecond}
	began := c.now()
	for range 4 {
		c.wait(l.Wait(t.Context(), fast, "ana"))
		if wait := l.Take(t.Context(), fast, "ana"); wait > 0 {
			t.Errorf("after the wait there is another of %s", wait)
		}
	}
	if took := c.now().Sub(began); took < 2*fast.Every {
		t.Errorf("two more than the burst after %s", took)
	}
}

func manyTakersLaw(t *testing.T, l twin, _ twinClock) {
	t.Helper()
	slow := Rule{Name: "slow", Burst: 7, Every: time.Hour}
	var allowed atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if l.Take(t.Context(), slow, "ana") == 0 {
				allowed.Add(1)
			}
		})
	}
	all.Wait()
	if got := allowed.Load(); got != int64(slow.Burst) {
		t.Errorf("%d were allowed, want %d", got, slow.Burst)
	}
}

// Clients may choose parts of keys, so keys may be long and contain any byte.
func keysLaw(t *testing.T, l twin, _ twinClock) {
	t.Helper()
	once := Rule{Name: "once", Burst: 1, Every: time.Hour}
	long := strings.Repeat("x", 1<<20)
	for _, key := range []string{"", " ", "a b", "a", "\x00", "á\xff\n", "*", "{a}", long, long + "y"} {
		if l.Take(t.Context(), once, key) != 0 || l.Take(t.Context(), once, key) == 0 {
			t.Errorf("%.20q: the rule does not hold", key)
		}
	}
}

// The waits of the backoff double, up to Most.
func growingLaw(t *testing.T, l twin, c twinClock) {
	t.Helper()
	ms := time.Millisecond
	growing := Rule{Name: "growing", Burst: 2, Every: 100 * ms, Most: time.Minute}
	for done, want := range []time.Duration{0, 0, 100 * ms, 200 * ms, 400 * ms} {
		if done > 0 {
			c.wait(l.Wait(t.Context(), growing, "ana"))
			start := c.now()
			l.Take(t.Context(), growing, "ana")
			got := l.Wait(t.Context(), growing, "ana")
			// Some of the wait has passed already, on a busy machine all of it.
			if least := want - c.now().Sub(start); got > want || got < least {
				t.Errorf("after %d the wait is %s, want from %s to %s", done, got, least, want)
			}
		}
	}
	if l.Take(t.Context(), growing, "beto") != 0 {
		t.Error("another key waits")
	}
	capped := Rule{Name: "capped", Burst: 1, Every: time.Hour, Most: time.Minute}
	l.Take(t.Context(), capped, "ana")
	if got := l.Wait(t.Context(), capped, "ana"); got <= 0 || got > capped.Most {
		t.Errorf("the wait is %s, want %s at most", got, capped.Most)
	}
	forgiving := Rule{Name: "forgiving", Burst: 2, Every: 50 * ms, Most: 50 * ms}
	l.Take(t.Context(), forgiving, "ana")
	l.Take(t.Context(), forgiving, "ana")
	c.wait(2*forgiving.Most + ms) // no use for as long as Most
	l.Take(t.Context(), forgiving, "ana")
	if got := l.Wait(t.Context(), forgiving, "ana"); got != 0 {
		t.Errorf("the burst is not whole again: the wait is %s", got)
	}
}

func giveLaw(t *testing.T, l twin, _ twinClock) {
	t.Helper()
	for _, rule := range []Rule{
		{Name: "one rate", Burst: 2, Every: time.Hour}, {Name: "growing waits", Burst: 2, Every: time.Hour, Most: 2 * time.Hour},
	} {
		l.Give(t.Context(), rule, "ana") // without a use there is nothing to refund
		l.Take(t.Context(), rule, "ana")
		l.Take(t.Context(), rule, "ana")
		if l.Take(t.Context(), rule, "ana") == 0 {
			t.Fatalf("%s does not hold", rule.Name)
		}
		l.Give(t.Context(), rule, "ana")
		got := []bool{l.Take(t.Context(), rule, "ana") == 0, l.Take(t.Context(), rule, "ana") == 0}
		if diff := cmp.Diff([]bool{true, false}, got); diff != "" {
			t.Errorf("%s, after one was taken back (-want +got):\n%s", rule.Name, diff)
		}
	}
}

func holdLaw(t *testing.T, l twin, _ twinClock) {
	t.Helper()
	var held atomic.Int64
	releases := make(chan func(), 50)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if release, ok := l.Hold(t.Context(), "uploads", "ana", 3); ok {
				held.Add(1)
				releases <- release
			}
		})
	}
	all.Wait()
	if got := held.Load(); got != 3 {
		t.Fatalf("%d are held at once, want 3", got)
	}
	for _, other := range [][2]string{{"uploads", "beto"}, {"downloads", "ana"}} {
		if release, ok := l.Hold(t.Context(), other[0], other[1], 1); !ok {
			t.Errorf("%q has no room", other)
		} else {
			release()
		}
	}
	(<-releases)()
	release, ok := l.Hold(t.Context(), "uploads", "ana", 3)
	if _, fourth := l.Hold(t.Context(), "uploads", "ana", 3); !ok || fourth {
		t.Errorf("after one has ended: room for one is %t, for two %t", ok, fourth)
	}
	release()
}

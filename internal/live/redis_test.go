package live

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"risingstars/internal/contest"
	"risingstars/internal/testserver"
)

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

func newRedis(t *testing.T, url string) (*Redis, *lines) {
	t.Helper()
	log := &lines{}
	r, err := NewRedis(t.Context(), url, time.Now, slog.New(slog.NewTextHandler(log, nil)), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, log
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		case <-tick.C:
		}
	}
}

// subscribed waits until the second hears the first.
func subscribed(t *testing.T, from, to *Redis) {
	t.Helper()
	w := to.Watch(t.Context(), -1)
	defer w.Close()
	eventually(t, "a message crosses", func() bool {
		from.Announce(t.Context(), event(-1, 1))
		return next(w) != nil
	})
}

func get(t *testing.T, r *Redis, load func(context.Context) ([]byte, error)) string {
	t.Helper()
	got, err := r.Fetch(t.Context(), contest.VotesChanged, "a", load)
	if err != nil {
		t.Error(err)
	}
	return string(got)
}

func TestRedisSharesBetweenProcesses(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	a, _ := newRedis(t, server.URL)
	b, _ := newRedis(t, server.URL)
	subscribed(t, a, b)

	w := b.Watch(t.Context(), 1)
	defer w.Close()
	a.Announce(t.Context(), event(1, 42))
	var got []contest.Event
	eventually(t, "the event", func() bool { got = next(w); return got != nil })
	if diff := cmp.Diff([]contest.Event{event(1, 42)}, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	if got := b.Progress(t.Context(), 1); got != 42 {
		t.Errorf("progress: got %d", got)
	}

	for range 2 {
		if a.Take(t.Context(), rule, "ana") != 0 {
			t.Error("refused within the burst")
		}
	}
	if b.Wait(t.Context(), rule, "ana") != 0 || b.Take(t.Context(), rule, "ana") != 0 {
		t.Error("the third was refused")
	}
	if wait := a.Take(t.Context(), rule, "ana"); wait <= 9*time.Second || wait > 10*time.Second {
		t.Errorf("the fourth: got %s", wait)
	}
	if a.Take(t.Context(), rule, "beto") != 0 {
		t.Error("another key was refused")
	}
}

func TestRedisSharesAnswers(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	a, _ := newRedis(t, server.URL)
	b, _ := newRedis(t, server.URL)
	subscribed(t, a, b)
	var answers counted
	eventually(t, "an answer is loaded once for both", func() bool { // unless a busy machine takes more than its second
		a.Forget(t.Context(), contest.VotesChanged)
		return get(t, a, answers.load) == get(t, b, answers.load)
	})
	before := get(t, b, answers.load)
	a.Forget(t.Context(), contest.VotesChanged)
	if got := get(t, a, answers.load); got == before {
		t.Error("an old answer after a Forget")
	}
	eventually(t, "the other forgets", func() bool { return get(t, b, answers.load) != before })
}

// An answer from before a flush, put back with its era as a slow process would, is not good any more.
func TestRedisFlushedBringsNoEraBack(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	a, log := newRedis(t, server.URL)
	b, _ := newRedis(t, server.URL)
	var answers counted
	old := get(t, a, func(ctx context.Context) ([]byte, error) {
		if err := b.link.client.FlushAll(ctx).Err(); err != nil {
			t.Error(err)
		}
		return []byte("old"), nil
	})
	if got := get(t, b, answers.load); got == old {
		t.Error("an answer of an era from before the flush is given")
	}
	if got := log.count("level="); got != 0 {
		t.Errorf("a flush made %d log lines", got)
	}
}

// Whatever happens to Redis, no call fails or takes long, each change makes one log line, and Redis is used again.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	ways := map[string]struct{ away, back func(*testserver.RedisServer) }{
		"stopped": {(*testserver.RedisServer).Stop, (*testserver.RedisServer).Start},
		"hanging": {
			func(s *testserver.RedisServer) { s.Signal(syscall.SIGSTOP) }, func(s *testserver.RedisServer) { s.Signal(syscall.SIGCONT) },
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testserver.Redis(t)
			a, log := newRedis(t, server.URL)
			b, _ := newRedis(t, server.URL)
			subscribed(t, a, b)
			way.away(server)
			var callers sync.WaitGroup
			for range 8 {
				callers.Go(func() { useAll(t, a) })
			}
			callers.Wait()
			if up, n := testutil.ToFloat64(a.link.up), log.count("level=WARN"); up != 0 || n != 1 {
				t.Errorf("away: up %v, %d warnings", up, n)
			}
			way.back(server)
			eventually(t, "it is used again", func() bool { return testutil.ToFloat64(a.link.up) == 1 && !b.link.down.Load() })
			eventually(t, "one line says so", func() bool { return log.count("level=INFO") == 1 })
			subscribed(t, a, b)
			if n := log.count("level="); n != 2 {
				t.Errorf("%d log lines, want 2:\n%s", n, log.text.String())
			}
		})
	}
}

// useAll uses everything many times; only the first call or two may wait for Redis.
func useAll(t *testing.T, r *Redis) {
	var answers counted
	began := time.Now()
	for range 200 {
		r.Announce(t.Context(), event(1, 1))
		if r.Progress(t.Context(), 1) != 1 {
			t.Error("progress is lost")
		}
		r.Forget(t.Context(), contest.VotesChanged)
		get(t, r, answers.load)
		r.Take(t.Context(), rule, "carla")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("1000 calls took %s", took)
	}
	if r.Take(t.Context(), rule, "carla") == 0 {
		t.Error("without Redis there are no limits")
	}
}

func TestRedisNotThereAtFirst(t *testing.T) {
	t.Parallel()
	server := testserver.RedisAt(t, testserver.FreeAddr(t))
	r, log := newRedis(t, server.URL)
	useAll(t, r)
	if n := log.count("level="); n != 1 {
		t.Errorf("%d log lines, want 1", n)
	}
	server.Start()
	eventually(t, "it is used", func() bool { return testutil.ToFloat64(r.link.up) == 1 })
}

// A Forget that Redis did not hear of is made up for before an answer is taken from it again.
func TestRedisOwesForgets(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	a, _ := newRedis(t, server.URL)
	var answers counted
	old := get(t, a, answers.load)
	a.link.down.Store(true)
	a.Forget(t.Context(), contest.VotesChanged)
	a.link.down.Store(false)
	if got := get(t, a, answers.load); got == old {
		t.Error("an old answer after a Forget")
	}
}

func TestRedisURL(t *testing.T) {
	t.Parallel()
	if _, err := NewRedis(t.Context(), "http://x", time.Now, slog.New(slog.DiscardHandler), prometheus.NewRegistry()); err == nil {
		t.Error("it is taken")
	}
}

package live

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"risingstars/internal/contest"
	"risingstars/internal/testserver"
)

// lines is a log that is safe to read while it is written.
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
	return open(t, url, redisTimeout)
}

// patient returns a Redis with a timeout long enough for a busy machine, for tests in which Redis is available.
func patient(t *testing.T, url string) *Redis {
	t.Helper()
	r, _ := open(t, url, testserver.Patience)
	return r
}

func open(tb testing.TB, url string, timeout time.Duration) (*Redis, *lines) {
	tb.Helper()
	return openAt(tb, url, timeout, time.Now)
}

func openAt(tb testing.TB, url string, timeout time.Duration, now func() time.Time) (*Redis, *lines) {
	tb.Helper()
	log := &lines{}
	r, err := openRedis(tb.Context(), url, timeout, now, slog.New(slog.NewTextHandler(log, nil)), prometheus.NewRegistry())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Error(err)
		}
	})
	return r, log
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	testserver.Eventually(t, what, ok)
}

// listening waits until r has subscribed, upon which it invalidates its whole cache.
func listening(t *testing.T, r *Redis) {
	t.Helper()
	eventually(t, "it has subscribed", func() bool {
		r.local.cache.mu.Lock()
		defer r.local.cache.mu.Unlock()
		return r.local.eras > 0
	})
}

// subscribed waits until a message of the first process reaches the second.
func subscribed(t *testing.T, from, to *Redis) {
	t.Helper()
	w := to.Watch(t.Context(), -1)
	defer w.Close()
	eventually(t, "a message crosses", func() bool {
		from.PublishEvent(t.Context(), event(-1, 1))
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
	a, b := patient(t, server.URL), patient(t, server.URL)
	subscribed(t, a, b)

	w := b.Watch(t.Context(), 1)
	defer w.Close()
	a.PublishEvent(t.Context(), event(1, 42))
	var got []contest.Event
	eventually(t, "the event", func() bool { got = next(w); return got != nil })
	if diff := cmp.Diff([]contest.Event{event(1, 42)}, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	if got := b.Progress(t.Context(), 1); got != 42 {
		t.Errorf("progress: got %d", got)
	}

	slow := Rule{Name: "slow", Burst: 3, Every: 24 * time.Hour}
	for range 2 {
		if a.Take(t.Context(), slow, "ana") != 0 {
			t.Error("refused within the burst")
		}
	}
	if b.Wait(t.Context(), slow, "ana") != 0 || b.Take(t.Context(), slow, "ana") != 0 {
		t.Error("the third was refused")
	}
	if wait := a.Take(t.Context(), slow, "ana"); wait <= 23*time.Hour || wait > 24*time.Hour {
		t.Errorf("the fourth: got %s", wait)
	}
	if a.Take(t.Context(), slow, "beto") != 0 {
		t.Error("another key was refused")
	}
}

func TestRedisSharesAnswers(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	a, b := patient(t, server.URL), patient(t, server.URL)
	b.local.cache.now = newClock().now // stands still, so only an invalidation makes b load again
	subscribed(t, a, b)
	var answers counted
	eventually(t, "an answer is loaded once for both", func() bool { // unless a busy machine takes more than maxAge
		a.InvalidateCache(t.Context(), contest.VotesChanged)
		return get(t, a, answers.load) == get(t, b, answers.load)
	})
	before := get(t, b, answers.load)
	a.InvalidateCache(t.Context(), contest.VotesChanged)
	if got := get(t, a, answers.load); got == before {
		t.Error("an old answer after a Forget")
	}
	eventually(t, "the other forgets", func() bool { return get(t, b, answers.load) != before })
}

// An answer from before a flush, written again with its old cache version as by a slow process, is not valid.
func TestRedisFlushedBringsNoEraBack(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	a, log := open(t, server.URL, testserver.Patience)
	b := patient(t, server.URL)
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

// In whichever way Redis fails while it is used, no call fails or blocks until Redis is back, each change of the
// circuit breaker makes one log line, and Redis is used again.
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
			b := patient(t, server.URL)
			subscribed(t, a, b)
			callers := startCallers(t, a)
			callers.goOn(t)
			way.away(server)
			eventually(t, "it is noticed", a.link.down.Load)
			callers.goOn(t)
			way.back(server)
			eventually(t, "it is used again", func() bool { return testutil.ToFloat64(a.link.up) == 1 })
			callers.goOn(t)
			callers.end()
			eventually(t, "it is used by both", func() bool { return !a.link.down.Load() && !b.link.down.Load() })
			subscribed(t, a, b)
			subscribed(t, b, a)
			eventually(t, "a line for each change", func() bool { // a busy machine may trip the circuit breaker more often
				n := log.count("level=WARN")
				return n > 0 && log.count("level=INFO") == n && log.count("level=") == 2*n
			})
		})
	}
}

// callers are goroutines that use everything concurrently until they are stopped.
type callers struct {
	rounds atomic.Int64
	stop   chan bool
	all    sync.WaitGroup
}

func startCallers(t *testing.T, r *Redis) *callers {
	t.Helper()
	c := &callers{stop: make(chan bool)}
	for range 8 {
		c.all.Go(func() {
			for {
				select {
				case <-c.stop:
					return
				default:
					useAll(t, r)
					c.rounds.Add(1)
				}
			}
		})
	}
	return c
}

// goOn waits until the callers have made 100 more rounds.
func (c *callers) goOn(t *testing.T) {
	t.Helper()
	before := c.rounds.Load()
	eventually(t, "the callers go on", func() bool { return c.rounds.Load() > before+100 })
}

func (c *callers) end() {
	close(c.stop)
	c.all.Wait()
}

// useAll makes each kind of call.
func useAll(t *testing.T, r *Redis) {
	t.Helper()
	var answers counted
	r.PublishEvent(t.Context(), event(1, 1))
	if got := r.Progress(t.Context(), 1); got != 1 {
		t.Errorf("progress: got %d", got)
	}
	r.InvalidateCache(t.Context(), contest.VotesChanged)
	get(t, r, answers.load)
	r.Take(t.Context(), rule, "carla")
	r.Wait(t.Context(), rule, "carla")
}

// While the circuit breaker is tripped because Redis hangs, no call waits for Redis; only the probe does.
func TestRedisHangingMakesNobodyWait(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	r, _ := newRedis(t, server.URL)
	server.Signal(syscall.SIGSTOP)
	defer server.Signal(syscall.SIGCONT)
	eventually(t, "it is noticed", func() bool { r.Wait(t.Context(), rule, "ana"); return r.link.down.Load() })
	failures := func(operations ...string) (sum float64) {
		for _, operation := range operations {
			sum += testutil.ToFloat64(r.link.failures.WithLabelValues(operation))
		}
		return sum
	}
	calls := []string{"announce", "progress", "forget", "cache_get", "cache_put", "limit"}
	before, until := failures(calls...), failures("probe")+2

	eventually(t, "two probes", func() bool { useAll(t, r); return failures("probe") >= until })

	// A call that had asked Redis would have counted a failure.
	if n := failures(calls...) - before; n > 0 {
		t.Errorf("%v calls have waited for Redis", n)
	}
}

// While Redis is unavailable, each process applies the rate limits by itself.
func TestRedisAwayLimitsAll(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	r, _ := newRedis(t, server.URL)
	server.Stop()
	slow := Rule{Name: "slow", Burst: 3, Every: time.Hour}
	var got []bool
	for range 5 {
		got = append(got, r.Take(t.Context(), slow, "ana") == 0)
	}
	if diff := cmp.Diff([]bool{true, true, true, false, false}, got); diff != "" {
		t.Errorf("allowed (-want +got):\n%s", diff)
	}
}

// A flush loses what Redis stored and nothing else: no call fails, and the circuit breaker stays closed.
func TestRedisFlushedUnderLoad(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	a, log := open(t, server.URL, testserver.Patience)
	b := patient(t, server.URL)
	subscribed(t, a, b)
	callers := startCallers(t, a)
	for range 5 {
		callers.goOn(t)
		if err := b.link.client.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	callers.goOn(t)
	callers.end()
	if n := log.count("level="); n != 0 {
		t.Errorf("%d log lines, want none:\n%s", n, log.text.String())
	}
	subscribed(t, a, b)
}

func TestRedisCountsFailures(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	r := patient(t, server.URL)
	server.Stop()
	failures := func(operation string) float64 { return testutil.ToFloat64(r.link.failures.WithLabelValues(operation)) }
	calls := map[string]func(){
		"announce": func() { r.PublishEvent(t.Context(), event(1, 1)) }, "progress": func() { r.Progress(t.Context(), 1) },
		"forget":    func() { r.InvalidateCache(t.Context(), contest.VotesChanged) },
		"cache_get": func() { get(t, r, new(counted).load) }, "limit": func() { r.Take(t.Context(), rule, "ana") },
	}
	for operation, call := range calls {
		r.local.forgetAll()
		r.link.down.Store(false)
		call()
		call() // the circuit breaker is tripped, so Redis is not called
		if got := failures(operation); got != 1 {
			t.Errorf("%s: %v failures are counted, want 1", operation, got)
		}
	}
	eventually(t, "failed probes and subscriptions are counted", func() bool { return failures("probe") > 1 && failures("subscribe") > 1 })
}

// A canceled caller is not a failure of Redis, and its use counts.
func TestRedisCallersWhoHangUp(t *testing.T) {
	t.Parallel()
	r := patient(t, testserver.Redis(t).URL)
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	slow := Rule{Name: "slow", Burst: 1, Every: time.Hour}
	first, second := r.Take(ctx, slow, "ana"), r.Take(t.Context(), slow, "ana")
	r.PublishEvent(ctx, event(1, 42))
	r.InvalidateCache(ctx, contest.VotesChanged)
	if first != 0 || second == 0 || r.link.down.Load() {
		t.Errorf("waits %s and %s; down is %v", first, second, r.link.down.Load())
	}
}

// A wrong password makes Redis unavailable until the right one is set. The password is never logged.
func TestRedisWrongPassword(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t, "--requirepass", "hunter2")
	with := func(password string) string { return strings.Replace(server.URL, "//", "//:"+password+"@", 1) }
	admin := patient(t, with("hunter2"))
	r, log := newRedis(t, with("hunter3"))
	useAll(t, r)
	if up := testutil.ToFloat64(r.link.up); up != 0 || log.count("level=WARN") != 1 || log.count("level=") != 1 {
		t.Errorf("up is %v; the log:\n%s", up, log.text.String())
	}
	if err := admin.link.client.ConfigSet(t.Context(), "requirepass", "hunter3").Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is used", func() bool { return testutil.ToFloat64(r.link.up) == 1 && !r.link.down.Load() })
	eventually(t, "the log says so", func() bool { return log.count("level=INFO") > 0 })
	if log.count("hunter") > 0 {
		t.Errorf("the log shows the password:\n%s", log.text.String())
	}
}

// A Redis whose ACL user may run only some of the commands is unavailable: the circuit breaker does not close and
// trip in turn.
func TestRedisWithFewRights(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	if err := patient(t, server.URL).link.client.Do(t.Context(), "ACL", "SETUSER", "poor", "on", "nopass", "~*", "&*", "+@all", "-@scripting").Err(); err != nil {
		t.Fatal(err)
	}
	r, log := open(t, strings.Replace(server.URL, "//", "//poor:x@", 1), testserver.Patience)
	eventually(t, "three probes", func() bool { return testutil.ToFloat64(r.link.failures.WithLabelValues("probe")) >= 3 })
	if n := log.count("level="); n != 1 || !r.link.down.Load() {
		t.Errorf("%d log lines, want 1:\n%s", n, log.text.String())
	}
}

// However long the clients' input is, the keys in Redis are short and do not contain it.
func TestRedisKeysAreShort(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	r := patient(t, server.URL)
	long := strings.Repeat("ana@example.com", 10_000)
	r.Take(t.Context(), rule, long)
	ask(t, r, contest.VotesChanged, long, new(counted).load)
	keys, err := r.link.client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) < 3 {
		t.Fatalf("got %v, %v", keys, err)
	}
	for _, key := range keys {
		if len(key) > 100 || strings.Contains(key, "ana") || !strings.HasPrefix(key, prefix) {
			t.Errorf("a key is %.200q", key)
		}
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

// An invalidation that did not reach Redis is sent before an answer is read from Redis again.
func TestRedisOwesForgets(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	a, _ := newRedis(t, server.URL)
	var answers counted
	old := get(t, a, answers.load)
	a.link.down.Store(true)
	a.InvalidateCache(t.Context(), contest.VotesChanged)
	a.link.down.Store(false)
	if got := get(t, a, answers.load); got == old {
		t.Error("an old answer after a Forget")
	}
}

func TestRedisURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"http://:hunter2@cache", "redis://:hunter2%zz@cache", "redis://:hunter2/x@cache", "redis://cache/hunter2", "redis://cache?hunter2=1",
		"redis://cache?db=hunter2",
	} {
		r, err := NewRedis(t.Context(), url, time.Now, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		if err == nil {
			t.Errorf("%s is taken", url)
			err = r.Close()
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the password is shown: %v", err)
		}
	}
}

func TestLookAtRedis(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	got, err := LookAtRedis(t.Context(), server.URL)
	if err != nil || !strings.Contains(got.Version, ".") || got.Took <= 0 || got.Old() {
		t.Errorf("got %+v, %v", got, err)
	}
	client := patient(t, server.URL).link.client
	as := func(user string, rights ...any) string {
		if err := client.Do(t.Context(), append([]any{"ACL", "SETUSER", user, "on", "nopass"}, rights...)...).Err(); err != nil {
			t.Fatal(err)
		}
		return strings.Replace(server.URL, "//", "//"+user+":x@", 1)
	}
	got, err = LookAtRedis(t.Context(), as("shy", "~risingstars:*", "&risingstars:*", "+@all", "-info"))
	if err != nil || got.Version != "" || got.Old() {
		t.Errorf("without the right to INFO: got %+v, %v", got, err)
	}
	for _, lacking := range [][]any{{"&*", "+@all"}, {"~*", "+@all"}, {"~*", "&*", "+@all", "-set"}, {"~*", "&*", "+@all", "-@scripting"}} {
		if _, err := LookAtRedis(t.Context(), as("poor", append([]any{"reset", "on", "nopass"}, lacking...)...)); err == nil || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("with %v: got %v", lacking, err)
		}
	}
	if err := client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := LookAtRedis(t.Context(), server.URL); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("full: got %v", err)
	}
}

func TestOldRedis(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{"6.2.14": true, "7.0.15": false, "7": false, "8.0.0": false, "10.1": false, "": false, "x": false} {
		if got := (RedisReport{Version: version}).Old(); got != want {
			t.Errorf("%s: got %v", version, got)
		}
	}
}

// Slots that one process has acquired count in the others, and expire after the process has died.
func TestRedisHoldsBetweenProcesses(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	a, b := patient(t, server.URL), patient(t, server.URL)
	first, ok := a.Hold(t.Context(), "uploads", "ana", 2)
	if !ok {
		t.Fatal("there is no room for the first")
	}
	if _, ok = b.Hold(t.Context(), "uploads", "ana", 2); !ok { // never released, as by a process that was killed
		t.Fatal("there is no room for the second")
	}
	if _, ok = a.Hold(t.Context(), "uploads", "ana", 2); ok {
		t.Error("there is room for a third")
	}
	first()
	again, ok := b.Hold(t.Context(), "uploads", "ana", 2)
	if !ok {
		t.Error("there is no room after one has ended")
	}
	again()
	key := prefix + "held:" + hashed("uploads", "ana")
	if left := a.link.client.PTTL(t.Context(), key).Val(); left <= 0 || left > leaseLife {
		t.Errorf("what is held counts for %s, want up to %s", left, leaseLife)
	}
}

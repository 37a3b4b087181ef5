package chaos

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"risingstars/internal/store"
	"risingstars/internal/testserver"
)

const beyond = 42 * time.Second // longer than a heartbeat may be missing

// world is the platform in real processes, with the faults that can be injected.
type world struct {
	testing.TB
	urls   []string
	nodes  []*node
	media  string
	db     *store.DB
	faults []fault
	always func() // removes all faults
}

// fault is one kind of fault. It ends by itself, or with ctx.
type fault struct {
	name string
	long bool // takes about as long as a short run; other faults run concurrently
	do   func(ctx context.Context, random *rand.Rand)
}

func common() map[string]string {
	return map[string]string{
		"PASSWORD_COST": "4", "RATE_LIMIT": "off", "STOP_GRACE": "3s", "LOG_LEVEL": "debug",
		"ACCESS_TOKEN_EXPIRE_SECONDS": "10000000", "MIN_FREE_BYTES": "0",
		"SECRET_KEY": "a secret of 32 characters or more, 0123456789",
	}
}

func with(base map[string]string, pairs ...string) map[string]string {
	all := maps.Clone(base)
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}

// newEmbedded starts one process on SQLite and a folder.
func newEmbedded(tb testing.TB) *world {
	tb.Helper()
	disk, addr := newDisk(tb), testserver.FreeAddr(tb)
	data := filepath.Join(disk.dir, "data")
	n := startNode(tb, "serve", with(common(), "DATA_DIR", data, "LISTEN_ADDR", addr, "WORKERS", "2", "SWEEP_GRACE", "20s"), "serve")
	w := &world{TB: tb, urls: []string{"http://" + addr}, nodes: []*node{n}, media: filepath.Join(data, "media")}
	w.ready()
	db, err := store.OpenSQLite(tb.Context(), filepath.Join(data, "risingstars.db"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	w.db = db
	w.faults = append(nodeFaults(n), hold(n, 2*time.Second, 6*time.Second), w.storageFails(disk))
	if disk.limited {
		w.faults = append(w.faults, w.storageFull(disk))
	}
	w.always = func() { n.signal(syscall.SIGCONT) }
	return w
}

// newFleet starts two web processes and two workers on PostgreSQL and Redis. One worker reaches PostgreSQL through a
// network of its own.
func newFleet(tb testing.TB) *world {
	tb.Helper()
	postgres, redis, disk := testserver.NewPostgres(tb), testserver.Redis(tb), newDisk(tb)
	if err := postgres.Create("contest", ""); err != nil {
		tb.Fatal(err)
	}
	media := filepath.Join(disk.dir, "media")
	w := &world{TB: tb, media: media}
	direct := postgres.URL("contest")
	shared, own := testserver.NewNetwork(tb, host(tb, direct)), testserver.NewNetwork(tb, host(tb, direct))
	over := func(n *testserver.Network) string { return strings.Replace(direct, host(tb, direct), n.Addr, 1) }
	base := with(common(), "DATABASE_URL", over(shared), "REDIS_URL", redis.URL, "STORAGE_URL", "file://"+media,
		"DATABASE_CONNECTIONS", "8", "SWEEP_GRACE", "1m")
	for i := range 2 {
		addr := testserver.FreeAddr(tb)
		w.urls = append(w.urls, "http://"+addr)
		w.nodes = append(w.nodes, startNode(tb, fmt.Sprint("web", i), with(base, "DATA_DIR", tb.TempDir(), "WORKERS", "0", "LISTEN_ADDR", addr), "serve"))
	}
	first := startNode(tb, "worker0", with(base, "DATA_DIR", tb.TempDir(), "DATABASE_URL", over(own)), "worker", "--concurrency", "1")
	second := startNode(tb, "worker1", with(base, "DATA_DIR", tb.TempDir()), "worker", "--concurrency", "1")
	w.nodes = append(w.nodes, first, second)
	w.ready()
	db, err := store.OpenPostgres(direct, 2)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	w.db = db
	w.faults = []fault{
		hold(second, beyond, beyond),
		networkHangs(own, beyond),
	}
	for _, n := range w.nodes {
		w.faults = append(w.faults, nodeFaults(n)...)
	}
	w.faults = append(w.faults, w.serverFaults(postgres, shared, redis)...)
	w.faults = append(w.faults, networkBreaks(own), w.storageFails(disk))
	if disk.limited {
		w.faults = append(w.faults, w.storageFull(disk))
	}
	w.always = func() {
		own.Hang(false)
		shared.Hang(false)
		for _, n := range w.nodes {
			n.signal(syscall.SIGCONT)
		}
	}
	return w
}

func host(tb testing.TB, text string) string {
	tb.Helper()
	u, err := url.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	return u.Host
}

// ready waits until all processes are ready.
func (w *world) ready() {
	w.Helper()
	for _, base := range w.urls {
		testserver.Eventually(w, base+" is ready", func() bool { return w.isReady(base) })
	}
}

func (w *world) isReady(base string) bool {
	answer, err := client.Get(base + "/readyz")
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// heal removes all faults and waits until the platform is ready.
func (w *world) heal() {
	w.Helper()
	w.always()
	w.ready()
}

// settle waits until no video is unfinished and no job is left.
func (w *world) settle() {
	w.Helper()
	began := time.Now()
	type unsettled struct{ Videos, Jobs, Beats int } // workers send heartbeats while they process
	testserver.EventuallyMoving(w, "nothing is on its way", func() (left unsettled, none bool) {
		w.retryNow()
		left.Videos = w.count(`SELECT count(*) FROM videos WHERE status IN ('uploaded', 'processing')`)
		left.Jobs = w.count(`SELECT count(*) FROM river_job WHERE state IN ('available', 'running', 'retryable', 'scheduled', 'pending')`)
		left.Beats = w.count(`SELECT COALESCE(sum(beat), 0) FROM videos`)
		return left, left.Videos == 0 && left.Jobs == 0
	})
	w.Logf("settled after %s", time.Since(began).Round(time.Second))
}

// retryNow skips the backoff of failed jobs, which takes minutes: the causes of failure are gone.
func (w *world) retryNow() {
	w.Helper()
	if _, err := w.db.Writer.ExecContext(w.Context(), `UPDATE river_job SET scheduled_at = created_at WHERE state = 'retryable'`); err != nil {
		w.Logf("retry jobs now: %v", err) // the database is busy; the next poll repeats it
	}
}

func (w *world) count(query string) (n int) {
	w.Helper()
	if err := w.db.Readers.QueryRowContext(w.Context(), query).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

// rows reads the rows of a query.
func rows[T any](w *world, query string, scan func(*sql.Rows) (T, error)) (list []T) {
	w.Helper()
	found, err := w.db.Readers.QueryContext(w.Context(), query)
	if err != nil {
		w.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		v, err := scan(found)
		if err != nil {
			w.Fatal(err)
		}
		list = append(list, v)
	}
	if err := found.Err(); err != nil {
		w.Fatal(err)
	}
	return list
}

package main

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"; internal/testserver brings "pgx"

	"risingstars/internal/testserver"
)

// The two ways to run the platform that are measured.
const (
	embedded = "embedded" // one process, SQLite, a folder
	fleet    = "fleet"    // nginx, two web processes, PostgreSQL, Redis, a worker, a shared folder
)

// target is a platform that a run puts under load: fresh servers with data of their own. It is used as its users use it,
// by the built program and its HTTP interface. Only what no call tells or makes is read from the database and the media
// folder, or written there.
type target struct {
	*host
	kind     string
	bin      string   // the program
	settings settings // what its processes share
	db       *sql.DB
	mediaDir string
	postgres *testserver.Postgres

	url     string   // how clients reach it, without a slash at the end
	webs    []string // the web processes themselves, likewise
	ca      string   // file of the authority behind the front's certificate, "" without one
	watched []watched
	ports   []int // that clients connect to
}

// watched is a process, with all that it starts, whose use of the machine is noted.
type watched struct {
	name string
	pid  int
}

// newTarget prepares folders and a database with its tables; serve and work start the program on them. With cheap
// passwords the people who sign up and sign in take no processor time, for runs that do not measure it.
func newTarget(h *host, kind, bin string, cheapPasswords bool) *target {
	t := &target{host: h, kind: kind, bin: bin, mediaDir: filepath.Join(h.TempDir(), "media")}
	t.settings = settings{
		"SECRET_KEY": rand.Text() + rand.Text(), "RATE_LIMIT": "off", "STOP_GRACE": "5s", "ACCESS_TOKEN_EXPIRE_SECONDS": "86400",
		"STORAGE_URL": "file://" + t.mediaDir,
	}
	if cheapPasswords {
		t.settings["PASSWORD_COST"] = "4"
	}
	driver, source := "pgx", ""
	if kind == embedded {
		t.settings["DATA_DIR"] = h.TempDir()
		driver, source = "sqlite", "file:"+filepath.Join(t.settings["DATA_DIR"], databaseFile)+"?_pragma=query_only(1)&_pragma=busy_timeout(60000)"
	} else {
		t.startServers()
		source = t.settings["DATABASE_URL"]
	}
	migrate := program(bin, with(settings{"DATA_DIR": t.TempDir()}, t.settings), "migrate")
	h.must(runTool(h.ctx, migrate, io.Discard, func(int) {}), "create the tables")
	var err error
	t.db, err = sql.Open(driver, source)
	h.must(err, "open the database")
	h.Cleanup(func() { _ = t.db.Close() })
	return t
}

// databaseFile is the embedded database in its DATA_DIR.
const databaseFile = "risingstars.db"

// startServers starts what a fleet shares. PostgreSQL keeps its own defaults but for its size: a commit is on disk.
func (t *target) startServers() {
	t.postgres = testserver.NewPostgres(t, "shared_buffers=512MB", "max_wal_size=4GB")
	t.must(t.postgres.Create("contest", ""), "make a database")
	redis := testserver.Redis(t)
	t.settings["DATABASE_URL"], t.settings["REDIS_URL"] = t.postgres.URL("contest"), redis.URL
	t.watched = append(t.watched, watched{"postgres", t.postgres.PID()}, watched{"redis", redis.PID()})
}

// start starts the web processes, and workers, of which the latter may have more settings.
func (t *target) start(workers int, more settings) {
	if t.kind == embedded {
		t.url = t.serve("web", with(settings{"WORKERS": strconv.Itoa(workers)}, more))
		t.ports = append(t.ports, portOf(t.url))
		return
	}
	var addrs []string
	for n := range 2 {
		url := t.serve(fmt.Sprintf("web-%d", n+1), settings{
			"WORKERS": "0", "TRUSTED_PROXIES": "127.0.0.1", "ACCEL_REDIRECT": "/_media/",
		})
		addrs = append(addrs, strings.TrimPrefix(url, "http://"))
	}
	front := testserver.Nginx(t, t.mediaDir, addrs...)
	t.url, t.ca = front.URL, front.CA
	t.watched = append(t.watched, watched{"nginx", front.PID()})
	t.ports = append(t.ports, portOf(t.url))
	if workers > 0 {
		t.work(workers, more)
	}
}

var (
	site    = regexp.MustCompile(`web site +(http://\S+)/`)
	workers = regexp.MustCompile(`^ +workers +\d`)
)

// serve starts a web process and returns its own address.
func (t *target) serve(name string, more settings) string {
	t.serveOne(name, more)
	return t.webs[len(t.webs)-1]
}

func (t *target) serveOne(name string, more settings) *process {
	all := with(with(settings{"DATA_DIR": t.TempDir(), "LISTEN_ADDR": "127.0.0.1:0"}, t.settings), more)
	p, m := t.launch(name, program(t.bin, all, "serve"), site)
	t.watched = append(t.watched, watched{name, p.pid()})
	t.webs = append(t.webs, m[1])
	return p
}

// work starts a worker process.
func (t *target) work(concurrency int, more settings) *process {
	all := with(with(settings{"DATA_DIR": t.TempDir()}, t.settings), more)
	p, _ := t.launch("worker", program(t.bin, all, "worker", "--concurrency", strconv.Itoa(concurrency)), workers)
	t.watched = append(t.watched, watched{"worker", p.pid()})
	return p
}

func portOf(url string) int {
	_, address, _ := strings.Cut(url, "://")
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(port)
	return n
}

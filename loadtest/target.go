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

// The topologies that are measured.
const (
	embedded = "embedded" // one process, SQLite, a folder
	fleet    = "fleet"    // nginx, two web processes, PostgreSQL, Redis, a worker, a shared folder
)

// target is a platform under load: new servers with data of their own. A run uses it as users do, by the built program and
// its HTTP interface. It reads from the database and the media folder only what no call tells, and writes there only what
// no call makes.
type target struct {
	*harness
	kind        string
	programPath string
	settings    settings // what its processes share
	db          *sql.DB
	mediaDir    string
	postgres    *testserver.Postgres

	url         string   // for clients, without a slash at the end
	webURLs     []string // of the web processes themselves
	caFile      string   // PEM of the authority that signed nginx's certificate, "" without nginx
	watched     []watchedProcess
	clientPorts []int // that clients connect to
}

// watchedProcess is a process whose use of the machine is sampled, with that of its descendants.
type watchedProcess struct {
	name string
	pid  int
}

// newTargetWithTables creates folders and a database with tables. startProcesses, startWeb and startWorker start the program on them.
// Cheap passwords take next to no processor time, for runs that do not measure sign-ins.
func newTargetWithTables(h *harness, kind, bin string, cheapPasswords bool) *target {
	t := &target{harness: h, kind: kind, programPath: bin, mediaDir: filepath.Join(h.TempDir(), "media")}
	t.settings = settings{
		"SECRET_KEY": rand.Text() + rand.Text(), "RATE_LIMIT": "off", "STOP_GRACE": "5s", "ACCESS_TOKEN_EXPIRE_SECONDS": "86400",
		"STORAGE_URL": "file://" + t.mediaDir,
	}
	if cheapPasswords {
		t.settings["PASSWORD_COST"] = "4"
	}
	var driver, source string
	if kind == embedded {
		t.settings["DATA_DIR"] = h.TempDir()
		driver, source = "sqlite", "file:"+filepath.Join(t.settings["DATA_DIR"], databaseFile)+"?_pragma=query_only(1)&_pragma=busy_timeout(60000)"
	} else {
		t.startSharedServers()
		driver, source = "pgx", t.settings["DATABASE_URL"]
	}
	migrate := programCommand(bin, withSettings(settings{"DATA_DIR": t.TempDir()}, t.settings), "migrate")
	h.requireNoError(runToCompletion(h.ctx, migrate, io.Discard, func(int) {}), "create the tables")
	var err error
	t.db, err = sql.Open(driver, source)
	h.requireNoError(err, "open the database")
	h.Cleanup(func() { _ = t.db.Close() })
	return t
}

// databaseFile is the embedded database in its DATA_DIR.
const databaseFile = "risingstars.db"

// startSharedServers starts PostgreSQL and Redis. PostgreSQL flushes every commit to disk, as in production.
func (t *target) startSharedServers() {
	t.postgres = testserver.NewPostgres(t, "shared_buffers=512MB", "max_wal_size=4GB")
	t.requireNoError(t.postgres.Create("contest", ""), "create a database")
	redis := testserver.Redis(t)
	t.settings["DATABASE_URL"], t.settings["REDIS_URL"] = t.postgres.URL("contest"), redis.URL
	t.watched = append(t.watched, watchedProcess{"postgres", t.postgres.PID()}, watchedProcess{"redis", redis.PID()})
}

// startProcesses starts the web processes, nginx for a fleet, and workers; only the latter get workerSettings.
func (t *target) startProcesses(workers int, workerSettings settings) {
	if t.kind == embedded {
		t.url = t.startWeb("web", withSettings(settings{"WORKERS": strconv.Itoa(workers)}, workerSettings))
		t.clientPorts = append(t.clientPorts, portOfURL(t.url))
		return
	}
	var addrs []string
	for n := range 2 {
		url := t.startWeb(fmt.Sprintf("web-%d", n+1), settings{
			"WORKERS": "0", "TRUSTED_PROXIES": "127.0.0.1", "ACCEL_REDIRECT": "/_media/",
		})
		addrs = append(addrs, strings.TrimPrefix(url, "http://"))
	}
	front := testserver.Nginx(t, t.mediaDir, addrs...)
	t.url, t.caFile = front.URL, front.CA
	t.watched = append(t.watched, watchedProcess{"nginx", front.PID()})
	t.clientPorts = append(t.clientPorts, portOfURL(t.url))
	if workers > 0 {
		t.startWorker(workers, workerSettings)
	}
}

var (
	webSiteLine = regexp.MustCompile(`web site +(http://\S+)/`)
	workersLine = regexp.MustCompile(`^ +workers +\d`)
)

// startWeb starts a web process and returns its URL.
func (t *target) startWeb(name string, more settings) string {
	t.startWebProcess(name, more)
	return t.webURLs[len(t.webURLs)-1]
}

func (t *target) startWebProcess(name string, more settings) *process {
	all := withSettings(withSettings(settings{"DATA_DIR": t.TempDir(), "LISTEN_ADDR": "127.0.0.1:0"}, t.settings), more)
	p, m := t.startProcess(name, programCommand(t.programPath, all, "serve"), webSiteLine)
	t.watched = append(t.watched, watchedProcess{name, p.processID()})
	t.webURLs = append(t.webURLs, m[1])
	return p
}

// startWorker starts a worker process.
func (t *target) startWorker(concurrency int, more settings) *process {
	all := withSettings(withSettings(settings{"DATA_DIR": t.TempDir()}, t.settings), more)
	p, _ := t.startProcess("worker", programCommand(t.programPath, all, "worker", "--concurrency", strconv.Itoa(concurrency)), workersLine)
	t.watched = append(t.watched, watchedProcess{"worker", p.processID()})
	return p
}

func portOfURL(url string) int {
	_, address, _ := strings.Cut(url, "://")
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(port)
	return n
}

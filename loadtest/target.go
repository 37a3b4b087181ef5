package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"crypto/rand"

	"risingstars/internal/blob"
	"risingstars/internal/store"
	"risingstars/internal/testserver"
)

// The two ways to run the platform that are measured.
const (
	embedded = "embedded" // one process, SQLite, a folder
	fleet    = "fleet"    // nginx, two web processes, PostgreSQL, Redis, a worker, a shared folder
)

// target is a platform that a run puts under load: fresh servers with data of their own.
type target struct {
	*host
	kind     string
	bin      string   // the program
	settings settings // what its processes share
	secret   []byte
	db       *store.DB
	media    *blob.Local
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

// newTarget prepares folders and databases; serve and work start the program on them.
func newTarget(h *host, kind, bin string, fast bool) *target {
	t := &target{host: h, kind: kind, bin: bin, mediaDir: filepath.Join(h.TempDir(), "media")}
	var random [32]byte
	rand.Read(random[:]) // never fails
	t.secret = []byte(hex.EncodeToString(random[:]))
	t.settings = settings{
		"SECRET_KEY": string(t.secret), "RATE_LIMIT": "off", "STOP_GRACE": "5s", "ACCESS_TOKEN_EXPIRE_SECONDS": "86400",
		"STORAGE_URL": "file://" + t.mediaDir,
	}
	if fast {
		t.settings["PASSWORD_COST"] = "4" // where nobody looks at times
	}
	var err error
	t.media, err = blob.NewLocal(t.mediaDir)
	h.must(err, "open the media folder")
	if kind == embedded {
		t.settings["DATA_DIR"] = h.TempDir()
		t.db, err = store.OpenSQLite(h.ctx, filepath.Join(t.settings["DATA_DIR"], "risingstars.db"))
	} else {
		t.startServers()
		t.db, err = store.OpenPostgres(t.settings["DATABASE_URL"], 8)
	}
	h.must(err, "open the database")
	h.Cleanup(func() { _ = t.db.Close() })
	_, err = store.Migrate(h.ctx, t.db)
	h.must(err, "lay down the tables")
	return t
}

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
		all := settings{"WORKERS": strconv.Itoa(workers)}
		maps.Copy(all, more)
		t.url = t.serve("web", all)
		t.ports = append(t.ports, portOf(t.url))
		return
	}
	var addrs []string
	for n := range 2 {
		url := t.serve(fmt.Sprintf("web-%d", n+1), settings{
			"WORKERS": "0", "DATA_DIR": t.TempDir(), "TRUSTED_PROXIES": "127.0.0.1", "ACCEL_REDIRECT": "/_media/",
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
	all := maps.Clone(t.settings)
	all["LISTEN_ADDR"] = "127.0.0.1:0"
	maps.Copy(all, more)
	p, m := t.launch(name, program(t.bin, all, "serve"), site)
	t.watched = append(t.watched, watched{name, p.pid()})
	t.webs = append(t.webs, m[1])
	return m[1]
}

// work starts a worker process.
func (t *target) work(concurrency int, more settings) *process {
	all := maps.Clone(t.settings)
	all["DATA_DIR"] = t.TempDir()
	maps.Copy(all, more)
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

// waiting is how many videos are on their way.
func (t *target) waiting(ctx context.Context) (n int, err error) {
	err = t.db.Readers.QueryRowContext(ctx, `SELECT count(*) FROM videos WHERE status IN ('uploaded', 'processing')`).Scan(&n)
	return n, err
}

// truth reads what database and storage hold.
func (t *target) truth(ctx context.Context) (truth, error) {
	now := truth{Videos: map[int64]kept{}, Votes: map[ballot]bool{}, Standings: map[string]int{}}
	err := errors.Join(t.readVideos(ctx, now.Videos), t.readVotes(ctx, now.Votes), t.readStandings(ctx, now.Standings))
	return now, err
}

func (t *target) readVideos(ctx context.Context, videos map[int64]kept) error {
	return t.each(ctx, `
		SELECT v.id, p.email, v.status, v.votes, v.token, v.format, v.run FROM videos AS v JOIN players AS p ON p.id = v.player_id`,
		func(scan func(...any) error) error {
			var id int64
			var v kept
			var token, format, run string
			if err := scan(&id, &v.Player, &v.Status, &v.Votes, &token, &format, &run); err != nil {
				return err
			}
			folder := filepath.Join(t.mediaDir, "videos", token)
			v.Size, v.Mark = endOf(filepath.Join(folder, "original."+format))
			v.Rendered = run != "" && isThere(filepath.Join(folder, run, "clip.mp4")) && isThere(filepath.Join(folder, run, "poster.jpg"))
			videos[id] = v
			return nil
		})
}

func (t *target) readVotes(ctx context.Context, votes map[ballot]bool) error {
	return t.each(ctx, `SELECT p.email, v.video_id FROM votes AS v JOIN players AS p ON p.id = v.voter_id`,
		func(scan func(...any) error) error {
			var b ballot
			err := scan(&b.Voter, &b.Video)
			votes[b] = true
			return err
		})
}

func (t *target) readStandings(ctx context.Context, votes map[string]int) error {
	return t.each(ctx, `SELECT p.email, s.votes FROM standings AS s JOIN players AS p ON p.id = s.player_id`,
		func(scan func(...any) error) error {
			var email string
			var n int
			err := scan(&email, &n)
			votes[email] = n
			return err
		})
}

// each calls read for every row of a query.
func (t *target) each(ctx context.Context, query string, read func(scan func(...any) error) error) error {
	rows, err := t.db.Readers.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("read the truth: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err below says what went wrong
	for rows.Next() {
		if err := read(rows.Scan); err != nil {
			return fmt.Errorf("read the truth: %w", err)
		}
	}
	return rows.Err()
}

// endOf is a file's size and the mark at its end; -1 if there is no file.
func endOf(path string) (size int64, mark string) {
	f, err := os.Open(path)
	if err != nil {
		return -1, ""
	}
	defer func() { _ = f.Close() }()
	stat, err := f.Stat()
	if err != nil {
		return -1, ""
	}
	end := make([]byte, min(markBytes, stat.Size()))
	if _, err := f.ReadAt(end, stat.Size()-int64(len(end))); err != nil {
		return -1, ""
	}
	return stat.Size(), string(end)
}

func isThere(path string) bool {
	stat, err := os.Stat(path)
	return err == nil && stat.Size() > 0
}

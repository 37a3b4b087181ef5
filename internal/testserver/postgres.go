package testserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Postgres is a PostgreSQL server of the test's own.
type Postgres struct {
	*Process
	Addr     string
	dir, bin string
	options  []string
	query    string // of its URLs

	databases atomic.Int64 // number of databases from NewDatabase
}

// NewPostgres starts a server with additional settings such as "fsync=off". RISINGSTARS_TEST_POSTGRES names the
// folder with the programs of another version than the installed one.
func NewPostgres(tb testing.TB, options ...string) *Postgres {
	tb.Helper()
	p := newPostgres(tb, "sslmode=disable", options)
	p.Start(tb)
	return p
}

// NewPostgresTLS starts a server that requires TLS, with a certificate of the CA. Its URLs trust the CA.
func NewPostgresTLS(tb testing.TB, a *Authority) *Postgres {
	tb.Helper()
	p := newPostgres(tb, "sslmode=verify-full&sslrootcert="+a.File, []string{"ssl=on"})
	certificate, key, access := filepath.Join(p.dir, "server.crt"), filepath.Join(p.dir, "server.key"), filepath.Join(p.dir, "pg_hba.conf")
	a.certify(tb, certificate, key)
	if err := os.WriteFile(access, []byte("hostssl all all 127.0.0.1/32 trust\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	for _, path := range []string{certificate, key} {
		ownedByServer(tb, path)
	}
	p.Start(tb)
	return p
}

func newPostgres(tb testing.TB, query string, options []string) *Postgres {
	tb.Helper()
	initdb := Program(tb, "initdb", os.Getenv("RISINGSTARS_TEST_POSTGRES"), "/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin")
	p := &Postgres{Addr: FreeAddr(tb), bin: filepath.Dir(initdb), options: options, query: query}
	p.dir = serverFolder(tb)
	out, err := p.command("initdb", "-D", p.dir, "-U", "risingstars", "-A", "trust", "-E", "UTF8", "--locale=C", "-N").CombinedOutput()
	if err != nil {
		tb.Fatalf("initdb: %v\n%s", err, out)
	}
	return p
}

// serverFolder makes an empty folder that the server's user owns.
func serverFolder(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "risingstars-postgres-") //nolint:usetesting // a folder below the test's own is closed to the server's user
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	ownedByServer(tb, dir)
	return dir
}

// ownedByServer gives a file or folder to the server's user.
func ownedByServer(tb testing.TB, path string) {
	tb.Helper()
	if c := serverUser(); c != nil {
		if err := os.Chown(path, int(c.Uid), int(c.Gid)); err != nil {
			tb.Fatal(err)
		}
	}
}

// serverUser returns the user that runs the server if the test runs as root, which PostgreSQL refuses; otherwise nil.
func serverUser() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if errors.Join(uidErr, gidErr) == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil
}

func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), filepath.Join(p.bin, name), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: serverUser()}
	return cmd
}

// Start starts the server again after Stop or Kill, on the same port and data.
func (p *Postgres) Start(tb testing.TB) {
	tb.Helper()
	host, port, err := net.SplitHostPort(p.Addr)
	if err != nil {
		tb.Fatal(err)
	}
	args := []string{"-D", p.dir, "-h", host, "-p", port, "-k", "", "-c", "max_connections=300", "-c", "shared_buffers=64MB"}
	for _, o := range p.options {
		args = append(args, "-c", o)
	}
	_ = os.Remove(filepath.Join(p.dir, "postmaster.pid")) // of a killed server
	p.Process = start(tb, "PostgreSQL", p.command("postgres", args...), func() error {
		db, err := sql.Open("pgx", p.URL("postgres"))
		if err != nil {
			return err
		}
		defer func() { _ = db.Close() }()
		return db.PingContext(tb.Context())
	})
}

// URL returns the URL of one of the server's databases.
func (p *Postgres) URL(database string) string {
	return fmt.Sprintf("postgres://risingstars@%s/%s?%s", p.Addr, database, p.query)
}

// Create creates a database, as a copy of template unless that is "".
func (p *Postgres) Create(database, template string) error {
	db, err := sql.Open("pgx", p.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	text := "CREATE DATABASE " + quoted(database) //nolint:gosec // names cannot be parameters; they are quoted
	if template != "" {
		text += " TEMPLATE " + quoted(template)
	}
	_, err = db.ExecContext(context.Background(), text)
	return err
}

// NewDatabase creates a database of the test's own, as a copy of template unless that is "", and returns its URL.
func (p *Postgres) NewDatabase(tb testing.TB, template string) (url string) {
	tb.Helper()
	name := fmt.Sprintf("test_%d", p.databases.Add(1))
	if err := p.Create(name, template); err != nil {
		tb.Fatal(err)
	}
	return p.URL(name)
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// SharedPostgres returns a server that all tests of a package share. Its data do not survive a crash.
func SharedPostgres(tb testing.TB) *Postgres {
	tb.Helper()
	Program(tb, "initdb", os.Getenv("RISINGSTARS_TEST_POSTGRES"), "/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin") // skips
	return sharedPostgres()
}

var sharedPostgres = sync.OnceValue(func() *Postgres {
	return NewPostgres(Shared(), "fsync=off", "full_page_writes=off", "synchronous_commit=off")
})

package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"risingstars/internal/store"
	"risingstars/internal/testserver"
)

// overTLS returns the URL of a database of the server, with a password, which no error may contain.
func overTLS(own *testserver.Postgres, query string) string {
	return fmt.Sprintf("postgres://risingstars:hunter2@%s/postgres?%s", own.Addr, query)
}

// The pools for statements, migrations and notifications all use the TLS settings of the URL. The server accepts
// encrypted connections only, so a migration that succeeds was encrypted.
func TestPostgresOverTLS(t *testing.T) {
	t.Parallel()
	authority := testserver.NewAuthority(t)
	own := testserver.NewPostgresTLS(t, authority)
	for _, query := range []string{
		"sslmode=verify-full&sslrootcert=" + authority.File, "sslmode=verify-ca&sslrootcert=" + authority.File, "sslmode=require",
	} {
		t.Run(query, func(t *testing.T) {
			db := connect(t, overTLS(own, query))
			_, err := store.Migrate(t.Context(), db)
			check(t, err)
			check(t, db.Listener.Ping(t.Context()))
			w := newWorld(t, db)
			w.player(t, "ana"+fmt.Sprint(w.number(t, `SELECT count(*) FROM players`)), "")
			if got := w.number(t, `SELECT count(*) FROM pg_stat_ssl WHERE ssl`); got < 2 {
				t.Errorf("%d connections are encrypted, want those for statements and to listen", got)
			}
		})
	}
}

// A connection that does not meet the TLS settings is refused. The error says why, without the password.
func TestPostgresRefusedForTLS(t *testing.T) {
	t.Parallel()
	authority, stranger := testserver.NewAuthority(t), testserver.NewAuthority(t)
	own := testserver.NewPostgresTLS(t, authority)
	useServer(t)
	noCertificate := filepath.Join(t.TempDir(), "empty.pem")
	check(t, os.WriteFile(noCertificate, nil, 0o600))
	localhost := strings.Replace(overTLS(own, "sslmode=verify-full&sslrootcert="+authority.File), "127.0.0.1", "localhost", 1)
	for name, test := range map[string]struct{ url, want string }{
		"another authority":            {overTLS(own, "sslmode=verify-full&sslrootcert="+stranger.File), "unknown authority"},
		"another, whatever host":       {overTLS(own, "sslmode=verify-ca&sslrootcert="+stranger.File), "unknown authority"},
		"required, and another":        {overTLS(own, "sslmode=require&sslrootcert="+stranger.File), "unknown authority"},
		"none that is known":           {overTLS(own, "sslmode=verify-full"), "unknown authority"},
		"another host":                 {localhost, "wanted to match localhost"},
		"not encrypted":                {overTLS(own, "sslmode=disable"), "no encryption"},
		"a server without TLS":         {overTLS(server, "sslmode=require"), "server refused TLS connection"},
		"no file of an authority":      {overTLS(own, "sslmode=verify-full&sslrootcert=/nonexistent/ca.pem"), "DATABASE_URL: the file /nonexistent/ca.pem, which it names, cannot be read (no such file"},
		"a file without a certificate": {overTLS(own, "sslmode=verify-full&sslrootcert="+noCertificate), "DATABASE_URL: is not one that PostgreSQL understands, or a file that it names holds no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := store.OpenPostgres(test.url, 2)
			if err == nil {
				_, err = store.Migrate(t.Context(), db)
				check(t, db.Close())
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
}

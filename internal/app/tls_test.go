package app_test

import (
	"strings"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// A server on a PostgreSQL with TLS is notified of jobs. With another CA neither the server nor doctor succeeds, and
// both say why.
func TestDatabaseOverTLS(t *testing.T) {
	t.Parallel()
	postgres := testserver.NewPostgresTLS(t, testserver.NewAuthority(t))
	settings := func(url string) apptest.Settings {
		return apptest.Settings{
			"DATABASE_URL": strings.Replace(url, "@", ":hunter2@", 1), "SECRET_KEY": "a secret of 32 characters or more, 0123456789",
			"DATA_DIR": t.TempDir(), "LISTEN_ADDR": "127.0.0.1:0",
		}
	}
	server := apptest.Start(t, settings(postgres.URL("postgres")))
	ana := newPlayer(t, server.URL, "ana@example.com")
	ana.waitFor(t, server.URL, ana.mustUpload(t, server.URL, mediatest.Clip(t, mediatest.Spec{})), "processed")

	_, query, _ := strings.Cut(postgres.URL("postgres"), "?")
	wrong := settings(strings.Replace(postgres.URL("postgres"), query, "sslmode=verify-full&sslrootcert="+testserver.NewAuthority(t).File, 1))
	_, err := run(t, wrong, "serve")
	if err == nil || !strings.Contains(err.Error(), "unknown authority") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("serve: got %v", err)
	}
	out, err := run(t, wrong, "doctor")
	if err == nil || strings.Contains(out, "hunter2") {
		t.Errorf("doctor: got %v:\n%s", err, out)
	}
	contains(t, out, "FAIL  database  ", "unknown authority", "→ check DATABASE_URL")
}

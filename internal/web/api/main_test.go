package api_test

import (
	"os"
	"sync"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// secret signs the tokens and links of servers whose tests sign some themselves.
const secret = apptest.SecretKey

func TestMain(m *testing.M) { os.Exit(testserver.Main(m)) }

// shared is one server for all tests that need no settings or data of their own. It has no worker.
func shared() *apptest.Server { return theServer() }

var theServer = sync.OnceValue(func() *apptest.Server {
	return apptest.Start(testserver.Shared(), apptest.Settings{"WORKERS": "0", "SECRET_KEY": secret})
})

// both runs a test on SQLite and on PostgreSQL, each with a server of its own, because the engines could differ. The
// servers have no worker.
func both(t *testing.T, test func(*testing.T, *apptest.Server)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, apptest.Start(t, apptest.Settings{"WORKERS": "0"}))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		settings := apptest.OnPostgres(t)
		settings["WORKERS"] = "0"
		test(t, apptest.Start(t, settings))
	})
}

package api_test

import (
	"os"
	"sync"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// secret signs the tokens and links of the servers whose tests make some of their own.
const secret = apptest.SecretKey

func TestMain(m *testing.M) { os.Exit(testserver.Main(m)) }

// shared is one server for all tests that need neither settings nor data of their own. Nobody processes its videos.
func shared() *apptest.Server { return theServer() }

var theServer = sync.OnceValue(func() *apptest.Server {
	return apptest.Start(testserver.Shared(), apptest.Settings{"WORKERS": "0", "SECRET_KEY": secret})
})

// both runs a test of what databases could do otherwise, on each kind with a server of its own. Nobody processes its
// videos.
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

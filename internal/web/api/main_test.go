package api_test

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// secret signs the tokens and links of the servers whose tests make some of their own.
const secret = apptest.SecretKey

func TestMain(m *testing.M) { os.Exit(testserver.Main(tests{m})) }

// tests are those of the package, and the end of what they share but the database's server.
type tests struct{ *testing.M }

func (t tests) Run() int { return everyone.end(t.M.Run()) }

// shared is one server for all tests that need neither settings nor data of their own. Nobody processes its videos.
func shared() *apptest.Server { return theServer() }

var theServer = sync.OnceValue(func() *apptest.Server {
	return apptest.Start(everyone, apptest.Settings{"WORKERS": "0", "SECRET_KEY": secret})
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

// everyone is the owner of what tests share. It ends after the last of them.
var everyone = &owner{}

type owner struct {
	testing.TB // nil: only what is below is used
	ends       []func()
	failed     bool
}

func (o *owner) end(code int) int {
	for _, end := range slices.Backward(o.ends) {
		end()
	}
	if o.failed {
		return max(code, 1)
	}
	return code
}

func (o *owner) Helper()          {}
func (o *owner) Cleanup(f func()) { o.ends = append(o.ends, f) }
func (o *owner) Failed() bool     { return o.failed }

func (o *owner) TempDir() string {
	dir, err := os.MkdirTemp("", "risingstars-api-test-")
	if err != nil {
		panic(err)
	}
	o.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (o *owner) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (o *owner) Errorf(format string, args ...any) {
	o.failed = true
	o.Logf(format, args...)
}

func (o *owner) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (o *owner) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// Package apptest runs the program for tests: the same command, settings and servers as in production, in this
// process, on a free port, with data of its own.
package apptest

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"testing"
	"time"

	"risingstars/internal/app"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// The test binary takes the place of the program, which starts itself to sandbox FFmpeg.
func init() { //nolint:gochecknoinits // before anything else runs, as in main
	app.Helper()
}

// Server is a running program.
type Server struct {
	URL         string // without a trailing slash
	DataDir     string
	DatabaseURL string // "" for SQLite in DataDir
	stop        context.CancelFunc
	done        chan struct{}
	err         error
	out         *testserver.Buffer
	log         *testserver.Buffer
}

// Settings are the program's settings by NAME.
type Settings map[string]string

// Start runs "risingstars serve" and waits until it is ready. Unless settings say otherwise, its data are in a
// temporary folder of the test, password hashing is fast and rate limits are off. A new SQLite database is a copy of
// a migrated one. The server stops at the end of the test.
func Start(tb testing.TB, settings Settings) *Server {
	tb.Helper()
	mediatest.Program(tb, "ffmpeg") // without FFmpeg the program does not start
	all := Settings{
		"LISTEN_ADDR": "127.0.0.1:0", "PASSWORD_COST": "4", "RATE_LIMIT": "off", "STOP_GRACE": "2s", "LOG_LEVEL": "debug",
	}
	if settings["DATA_DIR"] == "" {
		all["DATA_DIR"] = tb.TempDir()
	}
	maps.Copy(all, settings)
	all.ShareRenditions(tb)
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		DataDir: all["DATA_DIR"], DatabaseURL: all["DATABASE_URL"], stop: cancel, done: make(chan struct{}),
		out: &testserver.Buffer{}, log: &testserver.Buffer{},
	}
	if s.DatabaseURL == "" {
		migrate(tb, s.DataDir)
	}
	go func() { // ends with Stop
		defer close(s.done)
		s.err = app.Run(ctx, []string{"serve"}, all.lookup, s.out, s.log)
	}()
	tb.Cleanup(func() {
		if err := s.Stop(); err != nil {
			tb.Errorf("the program ended with: %v", err)
		}
		if tb.Failed() {
			tb.Logf("the program's log:\n%s", s.log)
		}
	})
	s.URL = s.waitForURL(tb)
	return s
}

// ShareRenditions sets FFMPEG to [SharedRenditions], unless the settings have no workers or another FFMPEG.
func (s Settings) ShareRenditions(tb testing.TB) {
	tb.Helper()
	if s["WORKERS"] != "0" && s["FFMPEG"] == "" {
		s["FFMPEG"] = SharedRenditions(tb)
	}
}

func (s Settings) lookup(name string) (string, bool) {
	value, ok := s[name]
	return value, ok
}

var site = regexp.MustCompile(`web site +(http://\S+)/`)

func (s *Server) waitForURL(tb testing.TB) string {
	tb.Helper()
	var url string
	testserver.Eventually(tb, "the program serves", func() bool {
		select {
		case <-s.done:
			tb.Fatalf("the program ended with: %v\n%s", s.err, s.log)
		default:
		}
		if m := site.FindStringSubmatch(s.out.String()); m != nil {
			url = m[1]
		}
		return url != ""
	})
	return url
}

// Stop stops the program gracefully and returns its error, or an error if it does not end. It is idempotent.
func (s *Server) Stop() error {
	s.stop()
	select {
	case <-s.done:
		return s.err
	case <-time.After(testserver.Patience):
		return fmt.Errorf("the program has not stopped within %s", testserver.Patience)
	}
}

// Screen returns what the program has printed so far.
func (s *Server) Screen() string { return s.out.String() }

// Log returns what the program has logged so far.
func (s *Server) Log() string { return s.log.String() }

package blob_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/blob"
	"risingstars/internal/testserver"
)

// large is the size of a file with more than two parts.
const large = 40 << 20 // bytes

// behind is a storage that reaches the server through a relay.
func behind(t *testing.T, server *testserver.S3, pass func(toServer bool, carried int64) bool) *blob.S3 {
	t.Helper()
	o := options(server)
	o.Endpoint = testserver.NewRelay(t, server.Addr, pass).Addr
	return newS3(t, o)
}

// kept lists the server's files of objects and of parts.
func kept(t *testing.T, server *testserver.S3) []string {
	t.Helper()
	list := []string{}
	check(t, filepath.WalkDir(server.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			list = append(list, path)
		}
		return err
	}))
	return list
}

// If the server dies during an upload, PutFile returns an error and the file stays. When the server is back, its
// parts are aborted.
func TestS3DiesWhileAFileIsPut(t *testing.T) {
	t.Parallel()
	server := testserver.NewS3(t)
	var once sync.Once
	s := behind(t, server, func(toServer bool, carried int64) bool {
		if toServer && carried > 20<<20 { // at least one part has arrived
			once.Do(server.Kill)
		}
		return true
	})
	path := file(t, strings.Repeat("x", large))

	err := s.PutFile(t.Context(), "videos/a/clip", path)

	if err == nil {
		t.Error("got no error")
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file: %v", err)
	}
	server.Restart()
	if len(kept(t, server)) == 0 {
		t.Fatal("the server has kept no part: it died too early")
	}
	if n, err := s.AbortStaleUploads(t.Context(), time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("of uploads that may still be under way %d were aborted: %v", n, err)
	}
	if n, err := s.AbortStaleUploads(t.Context(), time.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("%d uploads were aborted, want 1: %v", n, err)
	}
	if diff := cmp.Diff([]string{}, kept(t, server)); diff != "" {
		t.Errorf("the server's files (-want +got):\n%s", diff)
	}
	check(t, s.PutFile(t.Context(), "videos/a/clip", path))
	if diff := cmp.Diff([]string{"videos/a/clip"}, keys(t, s, "videos/")); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

// An upload is retried if a connection breaks. If every connection breaks, nothing remains on the server, because the
// abort still reaches it.
func TestS3ConnectionsBreakWhileAFileIsPut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		breaks int // how many connections
		ok     bool
	}{"once": {1, true}, "always": {1 << 30, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testserver.NewS3(t)
			var mu sync.Mutex
			broken := 0
			s := behind(t, server, func(toServer bool, carried int64) bool {
				mu.Lock()
				defer mu.Unlock()
				if !toServer || carried < 10<<20 || broken >= test.breaks {
					return true
				}
				broken++
				return false
			})

			err := s.PutFile(t.Context(), "videos/a/clip", file(t, strings.Repeat("x", large)))

			if (err == nil) != test.ok || broken == 0 {
				t.Errorf("%d connections broke, and got %v", broken, err)
			}
			if n := len(kept(t, server)); (n == 1) != test.ok || n > 1 {
				t.Errorf("the server has %q", kept(t, server))
			}
		})
	}
}

// A fetch resumes at its offset on another connection, or after a restart of the server. If that fails, no file
// remains.
func TestS3BreaksWhileAFileIsFetched(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		breaks func(*testserver.S3)
		ok     bool
	}{
		"the connection": {func(*testserver.S3) {}, true},
		"a restart":      {func(s *testserver.S3) { s.Kill(); s.Restart() }, true},
		"the server":     {func(s *testserver.S3) { s.Kill() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testserver.NewS3(t)
			content := strings.Repeat("0123456789abcdef", large/16)
			put(t, newS3(t, options(server)), "videos/a/clip", content)
			var once sync.Once
			s := behind(t, server, func(toServer bool, carried int64) bool {
				pass := true
				if !toServer && carried > large/2 {
					once.Do(func() { test.breaks(server); pass = false })
				}
				return pass
			})
			path := filepath.Join(t.TempDir(), "work")

			err := s.Fetch(t.Context(), "videos/a/clip", path)

			got, reading := os.ReadFile(path)
			if test.ok && (err != nil || string(got) != content) {
				t.Errorf("got %d bytes, %v, %v", len(got), err, reading)
			}
			if !test.ok && (err == nil || errors.Is(err, blob.ErrNotFound) || !errors.Is(reading, fs.ErrNotExist)) {
				t.Errorf("got %v; the file: %v", err, reading)
			}
		})
	}
}

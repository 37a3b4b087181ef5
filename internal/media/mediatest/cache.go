package mediatest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// cached returns the path of a file that write makes at most once on this machine. The name is derived from the kind
// and the recipe, which must determine the content. The file stays for later tests, also of other processes, and
// never changes.
func cached(tb testing.TB, kind, extension string, recipe []string, write func(path string) error) string {
	tb.Helper()
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %q", kind, recipe))
	path := filepath.Join(os.TempDir(), fmt.Sprintf("risingstars-mediatest-%d", os.Getuid()), fmt.Sprintf("%x.%s", sum, extension))
	if err := onceInProcess(path, func() error { return keepFirst(path, write) }); err != nil {
		tb.Fatalf("make %s %q: %v", kind, recipe, err)
	}
	return path
}

// making has the first call for each path; other callers wait for it.
var making = struct {
	sync.Mutex
	calls map[string]func() error
}{calls: map[string]func() error{}}

// onceInProcess calls f for a path once in this process.
func onceInProcess(path string, f func() error) error {
	making.Lock()
	call, ok := making.calls[path]
	if !ok {
		call = sync.OnceValue(f)
		making.calls[path] = call
	}
	making.Unlock()
	return call()
}

// keepFirst makes a file unless it exists. If two processes make it concurrently, the first one's file is kept and
// the second one's is deleted: a file in use is never replaced by another inode, because a sandbox grants access to
// the inode that existed when it was entered.
func keepFirst(path string, write func(path string) error) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	work := filepath.Join(dir, "work"+filepath.Ext(path))
	if err := write(work); err != nil {
		return err
	}
	if err := os.Link(work, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

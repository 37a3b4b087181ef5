package mediatest

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// Program finds a program of FFmpeg. Without it the test is skipped, or fails if CI is set.
func Program(tb testing.TB, name string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") == "":
		tb.Skipf("%s is not installed", name)
	default:
		tb.Fatal(err)
	}
	return path
}

// slots is a semaphore with one slot for each processor.
var slots = make(chan struct{}, runtime.NumCPU())

// Acquire waits for a slot to run a program of FFmpeg in. This process has as many slots as the machine has
// processors, so no run starves because of concurrent tests. A test that holds a slot must not acquire another one,
// nor make a clip.
func Acquire(tb testing.TB) (release func()) {
	tb.Helper()
	select {
	case slots <- struct{}{}:
		return func() { <-slots }
	case <-tb.Context().Done():
		tb.Fatal("the test ended while it waited for a slot to run FFmpeg in")
		return nil
	}
}

// output runs a program of FFmpeg and returns its standard output.
func output(tb testing.TB, program string, args ...string) ([]byte, error) {
	tb.Helper()
	path := Program(tb, program)
	defer Acquire(tb)()
	out, err := exec.CommandContext(tb.Context(), path, args...).Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = errors.Join(err, errors.New(string(failed.Stderr)))
	}
	return out, err
}

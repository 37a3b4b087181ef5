package testserver

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
)

// Shared is a testing.TB for resources that all tests of a package share: its cleanups run after the last test. The
// package's TestMain must call [Main].
func Shared() testing.TB { return &shared }

var shared owner

// Main runs a package's tests like testing.M, then the cleanups of [Shared]. It returns the exit code.
func Main(m interface{ Run() int }) int {
	code := m.Run()
	shared.end()
	if shared.Failed() {
		return max(code, 1)
	}
	return code
}

// owner is a testing.TB that outlives the tests.
type owner struct {
	testing.TB // nil: only the methods below are used

	mu     sync.Mutex
	ends   []func()
	failed bool
}

func (o *owner) Helper()                  {}
func (o *owner) Context() context.Context { return context.Background() }

func (o *owner) Cleanup(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ends = append(o.ends, f)
}

func (o *owner) TempDir() string {
	dir, err := os.MkdirTemp("", "risingstars-shared-")
	if err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (o *owner) Failed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed
}

func (o *owner) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// Errorf fails the package's tests as a whole.
func (o *owner) Errorf(format string, args ...any) {
	o.Logf(format, args...)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = true
}

// If a shared resource cannot be made, the test process ends.

func (o *owner) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (o *owner) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (o *owner) Skipf(format string, args ...any)  { panic(fmt.Sprintf(format, args...)) }

func (o *owner) end() {
	o.mu.Lock()
	ends := o.ends
	o.mu.Unlock()
	for _, f := range slices.Backward(ends) {
		f()
	}
}

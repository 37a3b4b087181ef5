package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
)

// host owns the servers of one run, as a test owns them in internal/testserver, which starts them. What fails there ends
// the run; end stops all of them, the last first.
type host struct {
	testing.TB // nil: only what is below is used

	ctx    context.Context //nolint:containedctx // the run's, as a test has its own
	log    io.Writer
	ends   []func()
	failed bool
}

// stopped is how a failure gets out of internal/testserver.
type stopped struct{ text string }

func newHost(ctx context.Context, log io.Writer) *host { return &host{ctx: ctx, log: log} }

// try runs what may fail as a test fails, and returns that as an error.
func (h *host) try(do func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case stopped:
			h.failed = h.ctx.Err() == nil // the servers' logs say why, unless somebody has stopped the run
			err = fmt.Errorf("%s", r.text)
		default:
			panic(r)
		}
	}()
	do()
	return h.ctx.Err()
}

// end stops what was started, whatever has become of the run.
func (h *host) end() {
	for _, f := range slices.Backward(h.ends) {
		f()
	}
	h.ends = nil
}

func (h *host) Helper()                   {}
func (h *host) Context() context.Context  { return h.ctx }
func (h *host) Cleanup(f func())          { h.ends = append(h.ends, f) }
func (h *host) Failed() bool              { return h.failed }
func (h *host) Logf(f string, a ...any)   { _, _ = fmt.Fprintf(h.log, f+"\n", a...) }
func (h *host) Error(a ...any)            { h.failed = true; h.Logf("%s", fmt.Sprint(a...)) }
func (h *host) Errorf(f string, a ...any) { h.failed = true; h.Logf(f, a...) }
func (h *host) Fatal(a ...any)            { panic(stopped{fmt.Sprint(a...)}) }
func (h *host) Fatalf(f string, a ...any) { panic(stopped{fmt.Sprintf(f, a...)}) }
func (h *host) Skipf(f string, a ...any)  { panic(stopped{fmt.Sprintf(f, a...)}) }
func (h *host) must(err error, what string) {
	if err != nil {
		h.Fatalf("%s: %v", what, err)
	}
}

// TempDir is a folder of the run's own, which goes with it. TMPDIR says on which disk.
func (h *host) TempDir() string {
	dir, err := os.MkdirTemp("", "risingstars-capacity-")
	h.must(err, "make a folder")
	h.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

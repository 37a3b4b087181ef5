package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
)

// harness owns the servers of one run. It stands in for the test that internal/testserver, which starts them, wants as
// their owner: a fatal failure there ends the run, and releaseAll runs the cleanups, the last one first.
type harness struct {
	testing.TB // nil: only the methods below are called

	ctx      context.Context //nolint:containedctx // the run's, as a test has its own
	log      io.Writer
	cleanups []func()
	failed   bool
}

// runFailure is the panic that carries a fatal failure from internal/testserver to runSteps.
type runFailure struct{ text string }

func newHarness(ctx context.Context, log io.Writer) *harness { return &harness{ctx: ctx, log: log} }

// runSteps calls do and returns a fatal failure in it as an error.
func (h *harness) runSteps(do func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case runFailure:
			h.failed = h.ctx.Err() == nil // then the servers print their logs; not if the run was interrupted
			err = fmt.Errorf("%s", r.text)
		default:
			panic(r)
		}
	}()
	do()
	return h.ctx.Err()
}

// releaseAll stops the servers and removes the folders of the run.
func (h *harness) releaseAll() {
	for _, f := range slices.Backward(h.cleanups) {
		f()
	}
	h.cleanups = nil
}

func (h *harness) Helper()                   {}
func (h *harness) Context() context.Context  { return h.ctx }
func (h *harness) Cleanup(f func())          { h.cleanups = append(h.cleanups, f) }
func (h *harness) Failed() bool              { return h.failed }
func (h *harness) Logf(f string, a ...any)   { _, _ = fmt.Fprintf(h.log, f+"\n", a...) }
func (h *harness) Error(a ...any)            { h.failed = true; h.Logf("%s", fmt.Sprint(a...)) }
func (h *harness) Errorf(f string, a ...any) { h.failed = true; h.Logf(f, a...) }
func (h *harness) Fatal(a ...any)            { panic(runFailure{fmt.Sprint(a...)}) }
func (h *harness) Fatalf(f string, a ...any) { panic(runFailure{fmt.Sprintf(f, a...)}) }
func (h *harness) Skipf(f string, a ...any)  { panic(runFailure{fmt.Sprintf(f, a...)}) }
func (h *harness) requireNoError(err error, what string) {
	if err != nil {
		h.Fatalf("%s: %v", what, err)
	}
}

// TempDir creates a folder that is removed after the run. TMPDIR decides on which disk.
func (h *harness) TempDir() string {
	dir, err := os.MkdirTemp("", "risingstars-capacity-")
	h.requireNoError(err, "create a folder")
	h.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

package testserver

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

// owner is the test that owns what all tests of a package share. A failure ends the whole run, since it is none of
// theirs.
type owner struct {
	testing.TB // nil: only what is below is used

	ends []func()
}

func (o *owner) Helper()                   {}
func (o *owner) Context() context.Context  { return context.Background() }
func (o *owner) Cleanup(f func())          { o.ends = append(o.ends, f) }
func (o *owner) Failed() bool              { return false }
func (o *owner) Logf(string, ...any)       {}
func (o *owner) Fatal(args ...any)         { panic(fmt.Sprint(args...)) }
func (o *owner) Errorf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (o *owner) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (o *owner) Skipf(f string, a ...any)  { panic(fmt.Sprintf(f, a...)) }

func (o *owner) end() {
	for _, f := range slices.Backward(o.ends) {
		f()
	}
}

package app

import (
	"fmt"
	"io"
	"runtime"

	"github.com/alecthomas/kong"
)

type showVer struct{}

// Run prints the version.
func (showVer) Run(r *runner) error {
	return printVersion(r.out)
}

func printVersion(out io.Writer) error {
	_, err := fmt.Fprintf(out, "risingstars %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// versionFlag is --version, which does what the command does.
type versionFlag bool

// BeforeReset implements kong's hook: nothing else on the command line is looked at.
func (versionFlag) BeforeReset(program *kong.Kong) error {
	err := printVersion(program.Stdout)
	program.Exit(0)
	return err
}

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

// versionFlag is --version, which does the same as the command.
type versionFlag bool

// BeforeReset implements kong's hook. It exits before kong evaluates the rest of the command line.
func (versionFlag) BeforeReset(program *kong.Kong) error {
	err := printVersion(program.Stdout)
	program.Exit(0)
	return err
}

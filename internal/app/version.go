package app

import (
	"fmt"
	"runtime"
)

type showVer struct{}

// Run prints the version.
func (showVer) Run(r *runner) error {
	_, err := fmt.Fprintf(r.out, "risingstars %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

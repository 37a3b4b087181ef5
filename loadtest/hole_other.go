//go:build !linux

package main

import "os"

// punch does nothing where files have no holes.
func punch(*os.File, int64) error { return nil }

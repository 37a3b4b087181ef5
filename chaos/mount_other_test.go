//go:build !linux

package chaos

import "errors"

func mount(string, int) error { return errors.New("tests mount on Linux only") }

func unmount(string) {}

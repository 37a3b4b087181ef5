package chaos

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// disk is a folder that can fail: every access returns an error, or, if the test may mount a file system, it is full.
type disk struct {
	testing.TB
	dir     string // a mounted file system or an ordinary folder
	limited bool
}

// diskSize is the size of the mounted file system in bytes.
const diskSize = 256 << 20

func newDisk(tb testing.TB) *disk {
	tb.Helper()
	d := &disk{TB: tb, dir: tb.TempDir()}
	if err := mount(d.dir, diskSize); err != nil {
		tb.Logf("no storage will be full: a file system cannot be mounted here: %v", err)
		return d
	}
	d.limited = true
	tb.Cleanup(func() { unmount(d.dir) })
	return d
}

// fill uses all free space.
func (d *disk) fill() {
	f, err := os.Create(filepath.Join(d.dir, "ballast"))
	if err == nil {
		_, err = io.CopyN(f, zeros{}, diskSize)
		_ = f.Close()
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.Errorf("the disk is not full: %v", err)
	}
}

func (d *disk) empty() {
	if err := os.Remove(filepath.Join(d.dir, "ballast")); err != nil {
		d.Error(err)
	}
}

// breakDown replaces a folder by a file, so that every access below it fails. mend restores the folder.
func (d *disk) breakDown(folder string) (mend func()) {
	away := filepath.Join(filepath.Dir(folder), ".away")
	err := os.Rename(folder, away)
	if err == nil {
		err = os.WriteFile(folder, nil, 0o600)
	}
	if err != nil {
		d.Errorf("break the storage: %v", err)
		return func() {}
	}
	return func() {
		if err := errors.Join(os.RemoveAll(folder), os.Rename(away, folder)); err != nil {
			d.Errorf("mend the storage: %v", err)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

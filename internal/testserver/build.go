package testserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BuiltProgram returns the path of risingstars, built from this checkout. All test processes share it: the first
// caller builds it, concurrent callers wait, and later builds find it up to date. It is built as a release, without
// the race detector: these tests are about processes, and the packages' own tests run the same code with the
// detector. If RISINGSTARS_PROGRAM names a program, nothing is built.
func BuiltProgram(tb testing.TB) string {
	tb.Helper()
	if path := os.Getenv("RISINGSTARS_PROGRAM"); path != "" {
		return path
	}
	path, err := builtProgram()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

var builtProgram = sync.OnceValues(func() (_ string, err error) {
	caches, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("build the program: %w", err)
	}
	// Each checkout has its own build folder.
	checkout := sha256.Sum256([]byte(checkoutDir()))
	dir := filepath.Join(caches, "risingstars", "programs", hex.EncodeToString(checkout[:8]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("build the program: %w", err)
	}
	unlock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return "", fmt.Errorf("build the program: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	latest := filepath.Join(dir, "latest")
	build := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-buildvcs=false", "-o", latest, "./cmd/risingstars")
	build.Dir = checkoutDir()
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return keepBuild(dir, latest)
})

// keepBuild gives a build a name derived from its content. It keeps that name when the next build replaces latest,
// because running programs start themselves again by their path. Builds that no test has used for a day are removed.
func keepBuild(dir, latest string) (string, error) {
	sum, err := sumFile(latest)
	if err != nil {
		return "", fmt.Errorf("name the build: %w", err)
	}
	path := filepath.Join(dir, "risingstars-"+sum)
	if err := os.Link(latest, path); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("keep the build: %w", err)
	}
	now := time.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		return "", fmt.Errorf("keep the build: %w", err)
	}
	builds, err := filepath.Glob(filepath.Join(dir, "risingstars-*"))
	if err != nil {
		return "", fmt.Errorf("list the builds: %w", err)
	}
	for _, build := range builds {
		if stat, err := os.Stat(build); err == nil && now.Sub(stat.ModTime()) > 24*time.Hour {
			_ = os.Remove(build) // the next process tries again
		}
	}
	return path, nil
}

func sumFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// lockFile waits for the lock of the file, which it creates if it does not exist. The kernel releases the lock when
// the process ends.
func lockFile(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return f.Close, nil
}

package testserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// These ports are below the ephemeral ports, which begin at 32768 on Linux and at 49152 on macOS, so the system
// assigns them to no client.
const firstPort, ports = 20_000, 12_000

// FreeAddr returns a loopback address at which no program listens. A server may be started there repeatedly until the
// test ends: no other test gets the address, in any process, and the system assigns it to no client.
func FreeAddr(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("risingstars-ports-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		tb.Fatal(err)
	}
	start := rand.IntN(ports) //nolint:gosec // any of them will do
	for i := range ports {
		port := strconv.Itoa(firstPort + (start+i)%ports)
		addr := net.JoinHostPort("127.0.0.1", port)
		unlock, err := reserve(tb, filepath.Join(dir, port), addr)
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(unlock)
		return addr
	}
	tb.Fatal("no port is free")
	return ""
}

// reserve locks the lock file of an address and checks that the address is free.
func reserve(tb testing.TB, path, addr string) (unlock func(), err error) {
	tb.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	unlock = func() { _ = f.Close() } // nothing was written
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		unlock()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	var c net.ListenConfig
	l, err := c.Listen(tb.Context(), "tcp", addr)
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, l.Close()
}

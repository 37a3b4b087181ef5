// Package testserver runs real servers for tests: PostgreSQL, Redis, nginx, S3, each private to a test or shared by a
// package, on free ports of the loopback, with data of their own.
package testserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Program finds a program by name, in PATH or in the folders in which Debian installs servers. Without the program it
// skips the test, or fails it if CI is set.
func Program(tb testing.TB, name string, folders ...string) string {
	tb.Helper()
	for _, folder := range append(folders, "/usr/local/sbin", "/usr/sbin") {
		places, err := filepath.Glob(filepath.Join(folder, name))
		if err == nil && len(places) > 0 {
			return slices.Max(places)
		}
	}
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") == "":
		tb.Skipf("%s is not installed", name)
	default:
		tb.Fatalf("%s is not installed (scripts/setup test installs it): %v", name, err)
	}
	return ""
}

// Process is a server in a process of its own, which ends with the test at the latest.
type Process struct {
	tb    testing.TB
	name  string
	cmd   *exec.Cmd
	log   *Buffer
	ended chan struct{}
}

// start runs a command and waits until ready returns nil.
func start(tb testing.TB, name string, cmd *exec.Cmd, ready func() error) *Process {
	tb.Helper()
	p := &Process{tb: tb, name: name, cmd: cmd, log: &Buffer{}, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true // a signal from the test's terminal must not reach the server
	if err := cmd.Start(); err != nil {
		tb.Fatalf("start %s: %v", name, err)
	}
	go func() { // ends with the process, which ends with the test
		_ = cmd.Wait()
		close(p.ended)
	}()
	tb.Cleanup(func() {
		p.Kill()
		if tb.Failed() {
			tb.Logf("the log of %s:\n%s", name, p.log)
		}
	})
	p.wait(ready)
	return p
}

// wait waits until ready returns nil.
func (p *Process) wait(ready func() error) {
	p.tb.Helper()
	last := ""
	defer func() {
		if p.tb.Failed() {
			p.tb.Logf("%s: %s", p.name, last)
		}
	}()
	Eventually(p.tb, p.name+" answers", func() bool {
		select {
		case <-p.ended:
			p.tb.Fatalf("%s has ended: %s\n%s", p.name, p.cmd.ProcessState, p.log)
		default:
		}
		if err := ready(); err != nil {
			last = err.Error()
			return false
		}
		return true
	})
}

// Stop sends a signal to the server and waits for its end. After Patience it fails the test and kills the server.
func (p *Process) Stop(with syscall.Signal) {
	p.tb.Helper()
	p.signal(p.cmd.Process.Pid, with)
	select {
	case <-p.ended:
	case <-time.After(Patience):
		p.tb.Errorf("%s does not end", p.name)
		p.Kill()
	}
}

// Kill sends SIGKILL to the server's process group and waits for its end, which is like a power failure.
func (p *Process) Kill() {
	p.tb.Helper()
	p.signal(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
}

// Signal sends a signal to the server process only, such as SIGSTOP to make it hang.
func (p *Process) Signal(s syscall.Signal) {
	p.tb.Helper()
	p.signal(p.cmd.Process.Pid, s)
}

func (p *Process) signal(pid int, s syscall.Signal) {
	if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		p.tb.Errorf("signal %s: %v", p.name, err)
	}
}

// PID returns the id of the server's first process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log returns what the server has printed so far.
func (p *Process) Log() string { return p.log.String() }

// accepts returns nil if a server accepts connections at the address.
func accepts(addr string) error {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return c.Close()
}

// Buffer collects a program's output. It is safe to read while it is written.
type Buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns the output so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

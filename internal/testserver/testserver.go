// Package testserver runs the servers that the platform stands on, for tests: the real ones, private to the test, on
// free ports of the loopback, with data of their own.
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

// Program finds a program by name, on the path or where Debian keeps servers, or skips the test without it; where CI is
// set, it fails.
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
	cmd.SysProcAttr.Setpgid = true // a signal to the test's terminal is not for the server
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

// Stop asks the server to end with a signal and waits until it has.
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

// Kill ends the server, and whatever it has started in its group, as a power cut would.
func (p *Process) Kill() {
	p.tb.Helper()
	p.signal(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
}

// Signal sends a signal to the server alone, such as SIGSTOP to make it hang.
func (p *Process) Signal(s syscall.Signal) {
	p.tb.Helper()
	p.signal(p.cmd.Process.Pid, s)
}

func (p *Process) signal(pid int, s syscall.Signal) {
	if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		p.tb.Errorf("signal %s: %v", p.name, err)
	}
}

// PID is the id of the server's process, or of the first of them.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log is what the server has printed so far.
func (p *Process) Log() string { return p.log.String() }

// accepts reports whether somebody listens on the address.
func accepts(addr string) error {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return c.Close()
}

// Buffer is what a program prints: the program writes it while the test reads it.
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

// String is what has been written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

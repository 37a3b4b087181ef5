package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

const (
	startTime = 3 * time.Minute // for a process to be ready, on a busy machine
	stopTime  = 3 * time.Minute // for STOP_GRACE and what follows
)

// process is a process of the run, besides the servers of internal/testserver.
type process struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{}
	log   string // the file with its standard error
}

// startProcess starts a process in a process group of its own, so that an interrupt at the terminal reaches it only through
// this program. It waits until a line of its output matches ready, and returns the submatches.
func (h *harness) startProcess(name string, cmd *exec.Cmd, ready *regexp.Regexp) (*process, []string) {
	p := &process{name: name, cmd: cmd, ended: make(chan struct{}), log: filepath.Join(h.TempDir(), name+".log")}
	log, err := os.Create(p.log)
	h.requireNoError(err, "create a log")
	out, inPipe, err := os.Pipe()
	h.requireNoError(err, "create a pipe")
	cmd.Stdout, cmd.Stderr = inPipe, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	h.requireNoError(cmd.Start(), "start "+name)
	_ = inPipe.Close()
	go func() { // ends with the process
		_ = cmd.Wait()
		_ = log.Close()
		close(p.ended)
	}()
	h.Cleanup(func() { h.stopProcess(p) })
	found := make(chan []string, 1)
	go func() { // ends with the process, which closes its end of the pipe
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := ready.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case found <- m:
				default:
				}
			}
		}
		_ = out.Close()
	}()
	select {
	case m := <-found:
		return p, m
	case <-p.ended:
	case <-h.ctx.Done():
	case <-time.After(startTime):
	}
	text, _ := os.ReadFile(p.log)
	h.Fatalf("%s did not start:\n%s", name, text)
	return nil, nil
}

// stopProcess ends a process with SIGTERM, and after stopTime with SIGKILL.
func (h *harness) stopProcess(p *process) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(stopTime):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.ended
	}
}

func (p *process) processID() int { return p.cmd.Process.Pid }

// settings are environment variables of the program.
type settings map[string]string

// programCommand is a command of the built program that sees no other environment variables than settings.
func programCommand(path string, s settings, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), path, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	for name, value := range s {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// runToCompletion runs a program until it ends, in a process group that is killed as a whole when ctx ends. Its output goes
// to out; the end of the output is part of the error of a program that fails.
func runToCompletion(ctx context.Context, cmd *exec.Cmd, out io.Writer, started func(pid int)) error {
	last := &tailBuffer{}
	cmd.Stdout = io.MultiWriter(out, last)
	cmd.Stderr = cmd.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	started(cmd.Process.Pid)
	var err error
	done := make(chan struct{})
	go func() { // ends with the process
		err = cmd.Wait()
		close(done)
	}()
	select {
	case <-done:
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, last)
		}
		return nil
	case <-ctx.Done():
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-done: // its exit status says nothing, since it was told to end
		case <-time.After(5 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
			<-done
		}
		return context.Cause(ctx)
	}
}

// tailBuffer keeps the end of what is written to it.
type tailBuffer struct{ text []byte }

func (t *tailBuffer) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-4096):]
	return len(p), nil
}

func (t *tailBuffer) String() string { return strings.TrimSpace(string(t.text)) }

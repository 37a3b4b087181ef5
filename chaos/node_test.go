package chaos

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"risingstars/internal/testserver"
)

// node is the program on a host. It is restarted whenever it ends, as by systemd or a container engine.
type node struct {
	testing.TB
	name     string
	dataDir  string
	log      *os.File
	settings map[string]string
	command  []string

	mu       sync.Mutex
	process  *os.Process
	stopping bool
	ended    chan struct{}
}

// startNode starts a node, which is stopped at the end of the test.
func startNode(tb testing.TB, name string, settings map[string]string, command ...string) *node {
	tb.Helper()
	log, err := os.Create(filepath.Join(tb.TempDir(), name+".log"))
	if err != nil {
		tb.Fatal(err)
	}
	n := &node{
		TB: tb, name: name, dataDir: settings["DATA_DIR"], log: log, settings: settings,
		command: append([]string{testserver.BuiltProgram(tb)}, command...), ended: make(chan struct{}),
	}
	go n.keepRunning() // ends with stop
	tb.Cleanup(func() {
		n.stop()
		if tb.Failed() {
			n.keepLog()
		}
	})
	return n
}

func (n *node) keepRunning() {
	defer close(n.ended)
	for {
		cmd := exec.Command(n.command[0], n.command[1:]...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		for name, value := range n.settings {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		cmd.Stdout, cmd.Stderr = n.log, n.log
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		n.mu.Lock()
		if n.stopping {
			n.mu.Unlock()
			return
		}
		err := cmd.Start()
		n.process = cmd.Process
		n.mu.Unlock()
		if err != nil {
			n.Errorf("start %s: %v", n.name, err)
			return
		}
		_ = cmd.Wait()
		fmt.Fprintf(n.log, "chaos: %s has ended: %s\n", n.name, cmd.ProcessState)
		<-time.After(100 * time.Millisecond)
	}
}

func (n *node) signal(s syscall.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == nil {
		return
	}
	if err := n.process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		n.Errorf("signal %s: %v", n.name, err)
	}
}

func (n *node) stop() {
	n.mu.Lock()
	n.stopping = true
	n.mu.Unlock()
	n.signal(syscall.SIGKILL)
	<-n.ended
}

// killFFmpeg kills one of the node's FFmpeg processes, if there is one.
func (n *node) killFFmpeg() {
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		line, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(line, []byte(n.dataDir)) || !bytes.Contains(line, []byte("ffmpeg")) {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(path, "/proc/%d/", &pid); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may just have ended
			return
		}
	}
}

// keepLog copies the node's log to a file that remains after the test.
func (n *node) keepLog() {
	text, err := os.ReadFile(n.log.Name())
	if err != nil {
		n.Error(err)
		return
	}
	kept := filepath.Join(*logs, fmt.Sprintf("risingstars-chaos-%d-%s.log", os.Getpid(), n.name))
	if err := os.WriteFile(kept, text, 0o600); err != nil {
		n.Error(err)
		return
	}
	n.Logf("the log of %s is in %s", n.name, kept)
}

package media

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// actAsParent makes this test binary run a child and wait until it is killed.
const actAsParent = "MEDIA_TEST_PARENT"

func TestMain(m *testing.M) {
	Helper()
	if len(os.Args) == 3 && os.Args[1] == actAsAttacker {
		attack(os.Args[2])
		os.Exit(0)
	}
	if os.Getenv(hideLandlock) == "1" {
		withoutLandlock()
	}
	if os.Getenv(actAsParent) != "" {
		c := command{Path: "/bin/sh", Args: []string{"-c", "echo $$; exec sleep 1000"}, Stdout: os.Stdout}
		_, err := c.run(context.Background())
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// A child does not outlive a parent that was killed.
func TestRunDiesWithItsParent(t *testing.T) {
	t.Parallel()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), actAsParent+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}

	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Wait(); err == nil {
		t.Error("the parent was not killed")
	}

	eventually(t, "the child is gone", func() bool { return !running(child) })
}

// running reports whether a process exists and is not a zombie.
func running(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// The processor time of another process grows while it computes.
func TestCPUTime(t *testing.T) {
	t.Parallel()
	busy := exec.CommandContext(t.Context(), "/bin/sh", "-c", "while :; do :; done")
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	first, known := cpuTime(busy.Process.Pid)
	if !known {
		t.Fatal("it is not known")
	}

	eventually(t, "it has computed for another while", func() bool {
		used, known := cpuTime(busy.Process.Pid)
		return known && used > first+20*time.Millisecond
	})

	if err := busy.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = busy.Wait() // killed
	if used, known := cpuTime(busy.Process.Pid); known {
		t.Errorf("a process that is gone has used %v", used)
	}
}

func TestRunLimits(t *testing.T) {
	t.Parallel()
	// The limits are set right after the start: wait for the last of them.
	c, out := shell(`until [ "$(cut -d' ' -f19 /proc/$$/stat)" = 7 ]; do :; done; ulimit -v; ulimit -f; ulimit -t; ulimit -c`,
		limits{CPU: 90 * time.Second, AddressSpace: 1 << 30, FileSize: 1 << 20, Niceness: 7})

	if _, err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}

	want := []string{"1048576", "2048", "90", "0"} // KiB, blocks of 512 bytes, seconds, none
	if diff := cmp.Diff(want, strings.Fields(out.String())); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
}

// After a cancellation, no process with the rendition's folder in its command line remains.
func TestRenderCanceledLeavesNoProcess(t *testing.T) {
	t.Parallel()
	r := unendingRender(t)
	stopped := errors.New("the video was deleted")
	var during []int

	err := cancelDuring(t, r, stopped, func() { during = processesAbout(t, filepath.Dir(r.Dest)) })

	if !errors.Is(err, stopped) {
		t.Errorf("got %v, want the cause", err)
	}
	if len(during) != 1 {
		t.Fatalf("saw processes %v at work, want one", during)
	}
	if err := syscall.Kill(-during[0], 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("group %d: got %v, want none", during[0], err)
	}
	if left := processesAbout(t, filepath.Dir(r.Dest)); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
}

// processesAbout returns the processes with a word in their command line.
func processesAbout(t *testing.T, word string) []int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(line), word) {
			continue // it may have ended
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			found = append(found, pid)
		}
	}
	return found
}

// Package bench compares the built program with a minimal server that does the same work, alternately, on the same
// machine. The relevant results are the ratios. "make bench" runs it; docs/performance.md has the figures.
package bench

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"risingstars/bench/bare"
)

// TestMain runs this test binary as one of the minimal servers if the environment says so.
func TestMain(m *testing.M) {
	if bare.Wanted() {
		panic(bare.Serve(os.Stdout))
	}
	os.Exit(m.Run())
}

// process is a server that runs beside the benchmark.
type process struct {
	cmd *exec.Cmd
	url string // without a trailing slash
}

var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "risingstars-bench-*")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "risingstars")
	build := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w",
		"-o", path, "risingstars/cmd/risingstars")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

// startProgram runs the built program with settings, on data of its own unless DATA_DIR is among them.
func startProgram(b *testing.B, settings ...string) *process {
	b.Helper()
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	base := []string{
		"PATH=" + os.Getenv("PATH"), "LISTEN_ADDR=127.0.0.1:0", "RATE_LIMIT=off", "PASSWORD_COST=4", "STOP_GRACE=1s",
		"DATA_DIR=" + b.TempDir(),
	}
	cmd := exec.CommandContext(context.Background(), path, "serve")
	cmd.Env = append(base, settings...) // for duplicate names, the last value counts
	return start(b, cmd, regexp.MustCompile(`web site +(http://\S+)/`))
}

// startBare runs one of the minimal servers.
func startBare(b *testing.B, kind string, env ...string) *process {
	b.Helper()
	cmd := exec.CommandContext(context.Background(), os.Args[0])
	cmd.Env = append(append(os.Environ(), bare.Env+"="+kind), env...)
	return start(b, cmd, regexp.MustCompile(`^serving (http://\S+)`))
}

func start(b *testing.B, cmd *exec.Cmd, site *regexp.Regexp) *process {
	b.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	log, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		_ = log.Close()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := site.FindStringSubmatch(lines.Text()); m != nil {
			go func() { // ends with the process
				for lines.Scan() {
				}
			}()
			p := &process{cmd, m[1]}
			p.waitUntilReady(b)
			return p
		}
	}
	text, _ := os.ReadFile(log.Name())
	b.Fatalf("the server did not start:\n%s", text)
	return nil
}

func (p *process) waitUntilReady(b *testing.B) {
	b.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		var dialer net.Dialer
		conn, err := dialer.DialContext(b.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			b.Fatal(err)
		}
	}
}

// memory returns a value of /proc/PID/status, such as VmHWM (peak) or VmRSS (current), in bytes.
func (p *process) memory(b *testing.B, line string) int64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Skip("needs Linux's /proc")
	}
	var kib int64
	for l := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(l, line+":"); ok {
			if _, err := fmt.Sscan(rest, &kib); err != nil {
				b.Fatal(err)
			}
		}
	}
	return kib << 10
}

// stop stops a server and waits for its end.
func (p *process) stop(b *testing.B) {
	b.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		b.Fatal(err)
	}
	_ = p.cmd.Wait() // the exit status is covered by other tests
}

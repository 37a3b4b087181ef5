package api_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

const (
	largest    = 100 << 20 // bytes of the largest accepted file
	mostMemory = 64 << 10  // KiB that uploads may add to the program's peak memory
)

// The program's memory does not grow with the size and number of uploads.
func TestMemoryOfUploads(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	program := start(t)
	p := newPlayer(t, &apptest.Server{URL: program.url}, "")
	for range 3 { // warm up: allocations that the program makes once
		p.upload(title("Triple"), video(clip(t)))
	}
	small := clip(t)
	for _, many := range []int{1, 10} {
		before := program.peak(t)
		var uploads sync.WaitGroup
		for range many {
			uploads.Go(func() {
				if got := p.uploadLargest(small); got.status != 201 {
					t.Errorf("got %d: %s", got.status, got.body)
				}
			})
		}
		uploads.Wait()
		growth := program.peak(t) - before
		t.Logf("%d uploads of %d MiB: from %d KiB, %d more", many, largest>>20, before, growth)
		if growth > mostMemory {
			t.Errorf("%d uploads took %d KiB of memory, want at most %d", many, growth, mostMemory)
		}
	}
}

// uploadLargest uploads a file of the largest accepted size, which it generates while sending.
func (c client) uploadLargest(clip string) answer {
	before := "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nTriple\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"video_file\"; filename=\"a.mp4\"\r\n\r\n" +
		clip + padding(largest-len(clip))
	zeros := io.LimitReader(zero{}, int64(largest-len(clip)-8))
	after := "\r\n--b--\r\n"
	body := io.MultiReader(strings.NewReader(before), zeros, strings.NewReader(after))
	r := c.request("POST", "/api/videos/upload", body, "Content-Type", "multipart/form-data; boundary=b")
	r.ContentLength = int64(len(before)+len(after)) + largest - int64(len(clip)) - 8
	return c.send(r)
}

type zero struct{}

func (zero) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// program is the built program in its own process.
type program struct {
	url string
	pid int
}

// start starts the program with its own data folder. It is killed at the end of the test.
func start(t *testing.T) program {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testserver.BuiltProgram(t), "serve")
	cmd.Env = append(os.Environ(), "LISTEN_ADDR=127.0.0.1:0", "DATA_DIR="+t.TempDir(), "WORKERS=0",
		"PASSWORD_COST=4", "RATE_LIMIT=off")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the program's log:\n%s", errOut.String())
		}
	})
	return program{url: siteIn(t, out), pid: cmd.Process.Pid}
}

var site = regexp.MustCompile(`web site +(http://\S+)/`)

func siteIn(t *testing.T, out io.Reader) string {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := site.FindStringSubmatch(lines.Text()); m != nil {
			return m[1]
		}
	}
	t.Fatal("the program does not say where it serves")
	return ""
}

// peak is the program's peak resident memory in KiB.
func (p program) peak(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); fields[0] == "VmHWM:" {
			kib, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			return kib
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

package media

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shell returns a command that runs a script.
func shell(script string, limits limits) (command, *strings.Builder) {
	var out strings.Builder
	return command{Path: "/bin/sh", Args: []string{"-c", script}, Stdout: &out, Limits: limits}, &out
}

func TestRunEndsTooSlow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, script string
		limits       limits
		want         error
	}{
		{"on the clock", "while :; do :; done", limits{Time: 100 * time.Millisecond}, errClock},
		{"on the processor", "while :; do :; done", limits{CPU: time.Second, Stall: time.Hour}, errCPU},
		{"without progress", "exec sleep 100000", limits{CPU: time.Hour, Stall: time.Second}, errStall},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, _ := shell(test.script, test.limits)

			_, err := c.run(t.Context())

			if !errors.Is(err, test.want) || !errors.Is(err, ErrTooSlow) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestRunFailure(t *testing.T) {
	t.Parallel()
	c, _ := shell("echo cannot read /secret/folder/clip.mp4 >&2; exit 7", limits{})
	c.Hidden = []string{"/secret/folder/clip.mp4"}

	_, err := c.run(t.Context())

	const want = "sh: exit status 7: cannot read clip.mp4"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestRunGivesNoSecrets(t *testing.T) {
	t.Setenv("SECRET_KEY", "secret") // so not parallel
	c, out := shell("export -p; cat", limits{})

	if _, err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}

	if strings.Contains(out.String(), "SECRET_KEY") {
		t.Errorf("the program sees %s", out)
	}
}

// groupWriter receives the process group of a script that prints its own id.
type groupWriter struct {
	id   chan int
	text string
}

func (w *groupWriter) Write(p []byte) (int, error) {
	w.text += string(p)
	if line, _, ended := strings.Cut(w.text, "\n"); ended {
		id, _ := strconv.Atoi(line)
		w.id <- id
		w.text = ""
	}
	return len(p), nil
}

func TestRunKillsTheWholeGroup(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	w := &groupWriter{id: make(chan int, 1)}
	c := command{Path: "/bin/sh", Args: []string{"-c", "sleep 1000 & sleep 1000 & echo $$; wait"}, Stdout: w}
	ended := make(chan error, 1)
	go func() {
		_, err := c.run(ctx)
		ended <- err
	}()
	group := <-w.id

	cancel()

	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it canceled", err)
	}
	eventually(t, "the group is gone", func() bool { return errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) })
}

func TestTail(t *testing.T) {
	t.Parallel()
	var got tail
	for range 3 {
		if _, err := got.Write([]byte(strings.Repeat("x", tailBytes) + "\nlast\n")); err != nil {
			t.Fatal(err)
		}
	}

	if len(got.data) != tailBytes || !strings.HasSuffix(got.text(nil), "x | last") {
		t.Errorf("got %d bytes: %s", len(got.data), got.text(nil))
	}
}

// A program whose output never ends is stopped.
func TestCapped(t *testing.T) {
	t.Parallel()
	out := &capped{most: 1000}
	c, _ := shell("while :; do echo more; done", limits{})
	c.Stdout = out

	_, err := c.run(t.Context())

	if err == nil || errors.Is(err, ErrTooSlow) || !out.full || len(out.data) > out.most {
		t.Errorf("got %v and %d bytes", err, len(out.data))
	}
}

// The operator's limits apply if they are lower, and only then.
func TestOperatorsLimits(t *testing.T) {
	t.Parallel()
	large := Clip{Width: 7680, Height: 4320, FrameRate: 60}
	small := Clip{Width: 320, Height: 180, FrameRate: 30, Duration: time.Second}
	bound := Tools{MaxMemory: 2 << 30, MaxCPU: 5 * time.Minute}

	got := []uint64{bound.addressSpace(large), bound.probeAddressSpace(), bound.addressSpace(small), Tools{}.addressSpace(large)}
	want := []uint64{2 << 30, 2 << 30, addressSpace(small), addressSpace(large)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("memory (-want +got):\n%s", diff)
	}
	times := []time.Duration{bound.cpuLimit(large), bound.cpuLimit(small), Tools{}.cpuLimit(large)}
	if diff := cmp.Diff([]time.Duration{5 * time.Minute, cpuLimit(small), time.Hour}, times); diff != "" {
		t.Errorf("processor time (-want +got):\n%s", diff)
	}
}

func TestCPULimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		clip Clip
		want time.Duration
	}{
		{"one second of 320×180", Clip{Width: 320, Height: 180, FrameRate: 30, Duration: time.Second}, 70 * time.Second},
		{"ten minutes of full HD", Clip{Width: 1920, Height: 1080, FrameRate: 30, Duration: 10 * time.Minute}, 6 * time.Minute},
		{"of unknown length", Clip{Width: 1920, Height: 1080}, 6 * time.Minute},
		{"4K at 60", Clip{Width: 3840, Height: 2160, FrameRate: 60, Duration: 30 * time.Second}, 41 * time.Minute},
		{"8K at 120", Clip{Width: 7680, Height: 4320, FrameRate: 120, Duration: 30 * time.Second}, time.Hour},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, cpuLimit(test.clip)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// eventually polls until a condition is true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(2 * time.Minute)
	defer deadline.Stop()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("not within two minutes: %s", what)
		case <-poll.C:
		}
	}
}

package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// ErrTooSlow means that a program was killed because it reached a time limit.
var ErrTooSlow = errors.New("media: took too long")

// The time limits that a program can reach.
var (
	errCPU   = fmt.Errorf("%w: it used up its processor time", ErrTooSlow)
	errStall = fmt.Errorf("%w: it stopped making progress", ErrTooSlow)
	errClock = fmt.Errorf("%w: it reached the limit on the clock", ErrTooSlow)
)

// limits apply to one run of a program, in addition to its context. Zero means no limit.
//
// CPU bounds the cost of a file and does not depend on the load of the machine. Stall ends a program that hangs. Time
// is a backstop far above normal run times: on a busy machine a normal file takes a hundred times as long as on an
// idle one.
type limits struct {
	CPU          time.Duration // processor time of all threads, rounded up to seconds
	Stall        time.Duration // without progress, see stallWatch
	Time         time.Duration // wall-clock time
	AddressSpace uint64        // bytes of virtual memory
	FileSize     uint64        // bytes of each file written
	Niceness     int           // 0 to 19
}

// command is one run of FFmpeg or ffprobe.
type command struct {
	Path   string
	Args   []string  // without the program's name
	Stdout io.Writer // written by one goroutine until run returns
	Limits limits
	Frames func() int64           // number of frames written so far, called at any time; may be nil
	Hidden []string               // paths that error texts shorten to their last element
	Cell   *cell                  // files that it may access in its sandbox; nil for no sandbox
	Used   func(*os.ProcessState) // called at the end; may be nil
}

const (
	tailBytes   = 2 << 10     // of the end of stderr, kept for the log
	pipesLinger = time.Minute // time to read the pipes of a program after its end
)

// run starts the program and waits for its end. The program has an empty stdin, a minimal environment, and a process
// group of its own. The whole group is killed when ctx ends or a time limit is reached, and on Linux also when this
// process dies. The error wraps ctx's cause or ErrTooSlow, or is a *RunError. Without an error, run returns the tail
// of stderr: warnings that did not keep the program from finishing.
func (c command) run(ctx context.Context) (warnings string, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if limit := c.Limits.clock(); limit > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, limit, errClock)
		defer stop()
	}

	// The kernel sends the parent-death signal when the thread that started the child ends, not the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	var stderr tail
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Env = environment()
	cmd.Dir = string(filepath.Separator)
	cmd.Stdout = c.Stdout
	cmd.Stderr = &stderr
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = pipesLinger

	name := filepath.Base(c.Path)
	if err := c.start(cmd); err != nil {
		return "", fmt.Errorf("media: %s: %w", name, errors.Join(err, context.Cause(ctx)))
	}
	endWatch := c.watchForStall(cmd.Process.Pid, cancel)
	err = cmd.Wait()
	endWatch()
	if c.Used != nil {
		c.Used(cmd.ProcessState)
	}
	switch {
	case err == nil:
		return stderr.text(c.Hidden), nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("media: %s: %w", name, context.Cause(ctx))
	case endedBy(cmd.ProcessState, syscall.SIGXCPU):
		return "", fmt.Errorf("media: %s: %w", name, errCPU)
	}
	return "", &RunError{Program: name, Tail: stderr.text(c.Hidden), err: err, code: cmd.ProcessState.ExitCode()}
}

// environment keeps only the variables that the program needs to find its libraries, so that no secret reaches it.
func environment() []string {
	env := []string{"LC_ALL=C", "AV_LOG_FORCE_NOCOLOR=1"}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func endedBy(state *os.ProcessState, signal syscall.Signal) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == signal
}

// RunError is a program that failed by itself, or was killed by another process.
type RunError struct {
	Program string
	Tail    string // the end of stderr, with shortened paths
	err     error  // "exit status 1", "signal: killed"
	code    int
}

func (e *RunError) Error() string {
	text := fmt.Sprintf("%s: %v", e.Program, e.err)
	if e.Tail != "" {
		text += ": " + e.Tail
	}
	return text
}

func (e *RunError) Unwrap() error { return e.err }

// killed reports whether the program was killed, for example by the kernel when memory ran out.
func (e *RunError) killed() bool {
	exit, ok := errors.AsType[*exec.ExitError](e.err)
	return ok && endedBy(exit.ProcessState, syscall.SIGKILL)
}

// tail keeps the last bytes written to it.
type tail struct{ data []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p[max(0, len(p)-tailBytes):]...)
	t.data = t.data[max(0, len(t.data)-tailBytes):]
	return len(p), nil
}

// text returns the tail as one line.
func (t *tail) text(hidden []string) string {
	text := strings.ToValidUTF8(string(t.data), "�")
	for _, path := range hidden {
		text = strings.ReplaceAll(text, path, filepath.Base(path))
	}
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	return strings.Join(lines, " | ")
}

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

// ErrTooSlow means that a program was ended because it reached a limit of time.
var ErrTooSlow = errors.New("media: took too long")

// The limits of time that a program can reach.
var (
	errCPU   = fmt.Errorf("%w: it used up its processor time", ErrTooSlow)
	errStall = fmt.Errorf("%w: it stopped making progress", ErrTooSlow)
	errClock = fmt.Errorf("%w: it reached the limit on the clock", ErrTooSlow)
)

// limits hold for one run of a program, beside its context. Zero means no limit.
//
// What a file may cost is limited by CPU, which does not depend on what else the machine does. Stall ends a program that
// hangs. Time is a distant backstop: on a busy machine an honest file takes a hundred times as long as on an idle one.
type limits struct {
	CPU          time.Duration // processor time of all threads together, rounded up to seconds
	Stall        time.Duration // without progress, see stallWatch
	Time         time.Duration // on the clock
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
	Frames func() int64           // how many it has written so far, called at any time; may be nil
	Hidden []string               // paths that error texts show by their last element only
	Cell   *cell                  // where it runs confined, nil for nowhere
	Used   func(*os.ProcessState) // told at the end; may be nil
}

const (
	tailBytes   = 2 << 10     // of what a program wrote to stderr, kept for the log
	pipesLinger = time.Minute // for the pipes of a program to close after its end, and for what is in them to be read
)

// run starts the program and waits for its end. The program has nothing to read on stdin, next to no environment, and a
// process group of its own, which is killed as a whole when ctx ends or a limit of time is reached; on Linux also when this
// program dies. The error wraps ctx's cause or ErrTooSlow, or is a *RunError. Without an error, the tail of stderr is returned: what
// happened on the way did not keep the program from finishing.
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

// environment keeps what a program needs to be found by its libraries, and nothing else: no secrets reach it.
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

// RunError is a program that ended with a failure of its own, or was killed by another than us.
type RunError struct {
	Program string
	Tail    string // the end of what it wrote to stderr, without the folders of our files
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

// killed tells whether the program was killed, as when the machine's memory is at its end.
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

// text is the tail on one line.
func (t *tail) text(hidden []string) string {
	text := strings.ToValidUTF8(string(t.data), "�")
	for _, path := range hidden {
		text = strings.ReplaceAll(text, path, filepath.Base(path))
	}
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	return strings.Join(lines, " | ")
}

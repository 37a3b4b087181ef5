package app_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

func TestMain(m *testing.M) {
	if signal.Ignored(os.Interrupt) { // as in the background of a shell; programs that tests start must not inherit it
		signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	}
	os.Exit(testserver.Main(m))
}

// program is the program in a process of its own.
type program struct {
	testing.TB
	cmd      *exec.Cmd
	out, log *testserver.Buffer
	ended    chan struct{}
	url      string // of a server
}

// launch starts the program with a command.
func launch(tb testing.TB, settings apptest.Settings, command ...string) *program {
	tb.Helper()
	p := &program{TB: tb, cmd: exec.Command(testserver.BuiltProgram(tb), command...), out: &testserver.Buffer{}, log: &testserver.Buffer{}, ended: make(chan struct{})}
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	for name, value := range settings {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.log
	check(tb, p.cmd.Start())
	go func() { // ends with the process, which ends with the test
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	tb.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		<-p.ended
		if tb.Failed() {
			tb.Logf("process %d: %s\n%s%s", p.cmd.Process.Pid, p.cmd.ProcessState, p.out, p.log)
		}
	})
	return p
}

var site = regexp.MustCompile(`web site +(http://\S+)/`)

// serve starts a server and waits until it is ready. Settings are as for apptest.Start.
func serve(tb testing.TB, settings apptest.Settings) *program {
	tb.Helper()
	mediatest.Program(tb, "ffmpeg")
	all := apptest.Settings{
		"LISTEN_ADDR": "127.0.0.1:0", "PASSWORD_COST": "4", "RATE_LIMIT": "off", "WORKERS": "2", "LOG_LEVEL": "debug",
	}
	maps.Copy(all, settings)
	all.ShareRenditions(tb)
	p := launch(tb, all, "serve")
	testserver.Eventually(tb, "the program serves", func() bool {
		select {
		case <-p.ended:
			tb.Fatalf("the program has ended: %s\n%s", p.cmd.ProcessState, p.log)
		default:
		}
		if m := site.FindStringSubmatch(p.out.String()); m != nil {
			p.url = m[1]
		}
		return p.url != ""
	})
	return p
}

func (p *program) signal(s syscall.Signal) {
	p.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.Errorf("signal process %d: %v", p.cmd.Process.Pid, err)
	}
}

// kill sends SIGKILL, which is like a power failure for the process.
func (p *program) kill() {
	p.Helper()
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// wait waits for the end of the program and returns its exit code, or -1 if a signal ended it.
func (p *program) wait() int {
	p.Helper()
	testserver.Within(p, "the program ends", p.ended)
	return p.cmd.ProcessState.ExitCode()
}

// noChildren waits until no process works on a file in the folder.
func noChildren(tb testing.TB, folder string) {
	tb.Helper()
	testserver.Eventually(tb, "no process is left that works in "+folder, func() bool {
		return len(processesOn(tb, folder)) == 0
	})
}

// processesOn lists the processes with the text in their command line. Without /proc there are none.
func processesOn(tb testing.TB, text string) (list []string) {
	tb.Helper()
	for _, path := range must(filepath.Glob("/proc/[0-9]*/cmdline"))(tb) {
		line, err := os.ReadFile(path)
		if err == nil && bytes.Contains(line, []byte(text)) {
			list = append(list, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return list
}

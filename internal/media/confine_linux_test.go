package media

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"risingstars/internal/media/mediatest"
)

// landlockABI returns the kernel's Landlock ABI, or 0 without Landlock. The tests then expect that its restrictions
// do not apply.
func landlockABI(t *testing.T) int {
	t.Helper()
	abi, err := ll.LandlockGetABIVersion()
	if err != nil {
		t.Logf("without Landlock: %v", err)
	}
	return max(abi, 0)
}

func TestConfine(t *testing.T) {
	t.Parallel()
	mediatest.Program(t, "ffmpeg")
	found, err := Find(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}

	confined, got, err := found.Confine(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	abi := landlockABI(t)
	want := Protection{ABI: abi, Files: abi > 0, Network: true, Processes: true}
	if abi == 0 {
		want.Why = "this kernel has no Landlock, or the container forbids it"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("protection (-want +got):\n%s", diff)
	}
	if confined.cell(found.FFmpeg, nil, nil) == nil || confined.cell(found.FFprobe, nil, nil) == nil {
		t.Error("a program has no cell")
	}
}

func TestConfineLeavesScriptsAlone(t *testing.T) {
	t.Parallel()
	script := fileOf(t, "ffmpeg", []byte("#!/bin/sh\n"))
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}

	got, p, err := Tools{FFmpeg: script, FFprobe: script}.Confine(t.Context())

	if diff := cmp.Diff(Protection{Why: "ffmpeg is a script"}, p); diff != "" || err != nil {
		t.Errorf("got %v; protection (-want +got):\n%s", err, diff)
	}
	if got.cells != nil {
		t.Error("it has a cell")
	}
}

// A program that does not run is reported, with and without the sandbox.
func TestConfineSeesWhatDoesNotRun(t *testing.T) {
	t.Parallel()
	mediatest.Program(t, "ffmpeg")
	found, err := Locate("", "")
	if err != nil {
		t.Fatal(err)
	}
	script := fileOf(t, "ffprobe", []byte("#!/bin/sh\nexit 3\n"))
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	for ffprobe, says := range map[string]string{script: "ffprobe: exit status 3", "/bin/false": "does not run when it is confined: false: exit status 1"} {
		_, _, err := Tools{FFmpeg: found.FFmpeg, FFprobe: ffprobe}.Confine(t.Context())

		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want it to say %q", ffprobe, err, says)
		}
	}
}

// targets are the files and addresses that the attacker tries to reach.
type targets struct {
	Secret, Folder, Input, Output string
	TCP, UDP, Socket              string
}

const actAsAttacker = "act as attacker"

// attack simulates a hostile file that has taken control of FFmpeg. It prints the result of each attempt.
func attack(text string) {
	var t targets
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		panic(err)
	}
	parent := os.Getppid()
	attempts := map[string]func() error{
		"read its input":    func() error { _, err := os.ReadFile(t.Input); return err },
		"write its output":  func() error { return os.WriteFile(t.Output, []byte("x"), 0o600) },
		"read a secret":     func() error { _, err := os.ReadFile(t.Secret); return err },
		"list a folder":     func() error { _, err := os.ReadDir(t.Folder); return err },
		"see its parent":    func() error { _, err := os.ReadFile("/proc/self/environ"); return err },
		"make a file":       func() error { return os.WriteFile(filepath.Join(t.Folder, "new"), nil, 0o600) },
		"change its input":  func() error { return os.WriteFile(t.Input, nil, 0o600) },
		"cut a file":        func() error { return os.Truncate(t.Secret, 1) },
		"remove its input":  func() error { return syscall.Unlink(t.Input) },
		"move its input":    func() error { return syscall.Rename(t.Input, t.Input+"2") },
		"open up a secret":  func() error { return syscall.Chmod(t.Secret, 0o666) },
		"call by TCP":       func() error { return dial("tcp", t.TCP) },
		"call by UDP":       func() error { return dial("udp", t.UDP) },
		"call by a socket":  func() error { return dial("unix", t.Socket) },
		"start a program":   func() error { _, err := syscall.ForkExec("/bin/true", []string{"true"}, nil); return err },
		"signal its parent": func() error { return syscall.Kill(parent, 0) },
		"limit its parent":  func() error { return unix.Prlimit(parent, unix.RLIMIT_CORE, &unix.Rlimit{}, nil) },
		"slow its parent":   func() error { return syscall.Setpriority(syscall.PRIO_PROCESS, parent, 19) },
		"trace its parent":  func() error { return syscall.PtraceAttach(parent) },
		"become another":    func() error { return syscall.Exec("/bin/ls", []string{"ls", "/nowhere"}, nil) },
	}
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range attempts {
			if name != "become another" && !yield(name) {
				return
			}
		}
	})
	out := json.NewEncoder(os.Stdout)
	for _, name := range append(names, "become another") { // the last attempt may not return
		result := "done"
		if err := attempts[name](); err != nil {
			result = err.Error()
			if errno, ok := errors.AsType[syscall.Errno](err); ok {
				result = unix.ErrnoName(errno)
			}
		}
		_ = out.Encode([2]string{name, result})
	}
}

func dial(network, address string) error {
	c, err := net.DialTimeout(network, address, time.Minute)
	if err != nil {
		return err
	}
	_, err = c.Write([]byte("x"))
	return errors.Join(err, c.Close())
}

// A program that a hostile file has taken control of can do none of the harm.
func TestConfinedAttacker(t *testing.T) {
	t.Parallel()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	base, err := cellOf(own)
	if err != nil {
		t.Fatal(err)
	}
	at, calls := newTargets(t)
	text, err := json.Marshal(at)
	if err != nil {
		t.Fatal(err)
	}
	out := &capped{most: maxReport}

	_, err = command{
		Path: own, Args: []string{actAsAttacker, string(text)}, Stdout: out,
		Cell: base.with([]string{at.Input}, []string{at.Output}),
	}.run(t.Context())
	if err != nil && landlockABI(t) > 0 {
		t.Fatal(err)
	}

	if diff := cmp.Diff(expectedOf(landlockABI(t)), resultsOf(t, out.data)); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
	if n := calls(); n > 0 {
		t.Errorf("%d calls came through", n)
	}
}

func expectedOf(abi int) map[string]string {
	want := map[string]string{"read its input": "done", "write its output": "done"}
	for _, name := range []string{
		"remove its input", "move its input", "open up a secret", "call by TCP", "call by UDP", "call by a socket",
		"start a program", "signal its parent", "limit its parent", "slow its parent", "trace its parent",
	} {
		want[name] = "EPERM"
	}
	for _, name := range []string{
		"read a secret", "list a folder", "see its parent", "make a file", "change its input", "cut a file", "become another",
	} {
		want[name] = "EACCES"
		if abi == 0 {
			want[name] = "done"
		}
	}
	switch {
	case abi == 0:
		delete(want, "become another") // it succeeds
	case abi < 3:
		want["cut a file"] = "done"
	}
	return want
}

func resultsOf(t *testing.T, lines []byte) map[string]string {
	t.Helper()
	results := map[string]string{}
	for line := range strings.Lines(string(lines)) {
		var pair [2]string
		if err := json.Unmarshal([]byte(line), &pair); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		results[pair[0]] = pair[1]
	}
	return results
}

// newTargets creates the targets, and counts the connections to them.
func newTargets(t *testing.T) (targets, func() int) {
	t.Helper()
	dir := t.TempDir()
	at := targets{
		Secret: filepath.Join(dir, "secret"), Folder: dir, Input: filepath.Join(dir, "in"), Output: filepath.Join(dir, "out"),
		Socket: filepath.Join(dir, "s"),
	}
	for _, path := range []string{at.Secret, at.Input, at.Output} {
		if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	calls := make(chan struct{}, 100)
	listen := func(network, address string) string {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() { // ends with the listener
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				calls <- struct{}{}
				_ = c.Close()
			}
		}()
		return l.Addr().String()
	}
	at.TCP = listen("tcp", "127.0.0.1:0")
	listen("unix", at.Socket)
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = udp.Close() })
	at.UDP = udp.LocalAddr().String()
	return at, func() int { return len(calls) }
}

func TestConfinedLimits(t *testing.T) {
	t.Parallel()
	c, out := shell("ulimit -v; ulimit -f; ulimit -t; ulimit -c; ulimit -n",
		limits{CPU: 90 * time.Second, AddressSpace: 1 << 30, FileSize: 1 << 20, Niceness: 7})
	base, err := cellOf(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	c.Cell = &base

	if _, err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}

	want := []string{"1048576", "2048", "90", "0", "64"} // KiB, blocks of 512 bytes, seconds, none, files
	if diff := cmp.Diff(want, strings.Fields(out.String())); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
}

// A failure to enter the sandbox is an error of the machine, and its text contains no folders.
func TestConfinedTrouble(t *testing.T) {
	t.Parallel()
	if landlockABI(t) == 0 {
		t.Skip("this kernel has no Landlock to refuse anything")
	}
	gone := filepath.Join(t.TempDir(), "clip.mp4")
	c, _ := shell("exit 0", limits{})
	base, err := cellOf(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	c.Cell, c.Hidden = base.with([]string{gone}, nil), []string{gone}

	_, err = c.run(t.Context())

	if err == nil || !strings.Contains(err.Error(), "confine: landlock: ") || strings.Contains(err.Error(), gone) {
		t.Errorf("got %v", err)
	}
	if _, ok := errors.AsType[*RunError](err); ok {
		t.Error("it counts as the program's own failure")
	}
}

const hideLandlock = "MEDIA_TEST_HIDE_LANDLOCK"

// withoutLandlock makes the Landlock system calls of this test process fail as on a kernel without Landlock.
func withoutLandlock() {
	runtime.LockOSThread()
	var f filter
	f.load(offsetCall)
	f.add(equal, unix.SYS_LANDLOCK_CREATE_RULESET, 0, 1)
	f.answer(unknown)
	f.answer(unix.SECCOMP_RET_ALLOW)
	if err := f.install(); err != nil {
		panic(err)
	}
	if err := os.Setenv(hideLandlock, "hidden"); err != nil {
		panic(err)
	}
	panic(syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}

// Without Landlock all other restrictions apply, and the protection says that it is missing: the same tests, as on
// such a kernel.
func TestWithoutLandlock(t *testing.T) {
	t.Parallel()
	if os.Getenv(hideLandlock) != "" {
		t.Skip("this is it")
	}
	tests := []string{"TestConfine", "TestConfinedAttacker", "TestConfinedLimits", "TestProbe", "TestRenderCanceledLeavesNoProcess"}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^("+strings.Join(tests, "|")+")$")
	again.Env = append(os.Environ(), hideLandlock+"=1")

	out, err := again.CombinedOutput()

	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, test := range tests {
		if !strings.Contains(string(out), "--- PASS: "+test+" ") {
			t.Errorf("%s has not passed:\n%s", test, out)
		}
	}
}

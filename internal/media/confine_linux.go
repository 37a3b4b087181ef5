package media

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// ownProgram is this program's executable, even after the file was replaced.
const ownProgram = "/proc/self/exe"

// canHelp is whether this program's main calls Helper. If it did not, the helper process would run main instead and
// start further helpers.
var canHelp atomic.Bool

func cannotConfine() (why string) {
	if !canHelp.Load() {
		return "this program cannot confine others"
	}
	return ""
}

// troubleFile is the file descriptor to which the helper writes before exec, and after a failure.
const troubleFile = 3

// Helper must be called at the beginning of main. In a process that was started to sandbox a program, it does that
// and does not return.
func Helper() {
	if len(os.Args) < 2 || os.Args[0] != helperName {
		canHelp.Store(true)
		return
	}
	runtime.LockOSThread() // priority and filter belong to the thread that calls exec
	_ = unix.CloseRange(troubleFile, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	unix.CloseOnExec(troubleFile) // for kernels before 5.11; Go opens all other files so anyway
	err := help(os.Args[1], os.Args[2:])
	if err == nil {
		os.Exit(0)
	}
	tell(err.Error())
	os.Exit(helperFailed)
}

const helperFailed = 125

// tell writes to troubleFile. If that fails, the parent reads an incomplete text and reports an error too.
func tell(text string) { _, _ = unix.Write(troubleFile, []byte(text)) }

// help executes an order. It returns only after a trial or an error.
func help(text string, args []string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fmt.Errorf("read the order: %w", err)
	}
	// If memory runs out, the kernel should kill this process first. Some containers do not permit this; then it has
	// no effect.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	if err := o.Cell.enter(); err != nil {
		return err
	}
	if o.Program == "" {
		tell(confined)
		return tryAll()
	}
	return o.become(args)
}

// become sets the limits and executes the program. After the memory limit is set, Go must not allocate: everything
// needed is allocated before, the garbage collector is off, and the calls used do not make the scheduler start a
// thread.
func (o order) become(args []string) error {
	path, err := unix.BytePtrFromString(o.Program)
	if err != nil {
		return fmt.Errorf("execute: %w", err)
	}
	argv, err := syscall.SlicePtrFromStrings(append([]string{o.Program}, args...))
	if err != nil {
		return fmt.Errorf("execute: %w", err)
	}
	env, err := syscall.SlicePtrFromStrings(os.Environ())
	if err != nil {
		return fmt.Errorf("execute: %w", err)
	}
	debug.SetGCPercent(-1)
	if err := o.Limits.apply(0); err != nil {
		return fmt.Errorf("limit: %w", err)
	}
	said := []byte(confined)
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, troubleFile, uintptr(unsafe.Pointer(&said[0])), uintptr(len(said)))
	_, _, errno := unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)),
		uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&env[0])))
	return fmt.Errorf("execute: %w", errno)
}

// The Landlock rights for files. Only the program and its loader are executable; libraries are only read.
const (
	readFile  = landlock.AccessFSSet(ll.AccessFSReadFile)
	writeFile = readFile | landlock.AccessFSSet(ll.AccessFSWriteFile|ll.AccessFSTruncate)
	execute   = readFile | landlock.AccessFSSet(ll.AccessFSExecute)
	readDir   = readFile | landlock.AccessFSSet(ll.AccessFSReadDir)
)

// enter gives up access to all other files and to TCP, as far as the kernel's Landlock supports it, and then the
// system calls in forbidden.
func (c cell) enter() error {
	rules := []landlock.Rule{
		landlock.PathAccess(execute, c.Execute...),
		landlock.PathAccess(readFile, c.Read...),
		landlock.PathAccess(writeFile, c.Write...),
	}
	for _, path := range c.Libraries {
		switch info, err := os.Stat(path); {
		case err != nil:
		case info.IsDir():
			rules = append(rules, landlock.PathAccess(readDir, path))
		default:
			rules = append(rules, landlock.PathAccess(readFile, path))
		}
	}
	if err := landlock.V11.BestEffort().Restrict(rules...); err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	return forbid()
}

// tryAll attempts what the sandbox should prevent, in ways that do no harm if it does not.
func tryAll() error {
	var found trial
	if abi, err := ll.LandlockGetABIVersion(); err == nil {
		found.ABI = abi
	}
	root, err := os.Open("/")
	found.Files = errors.Is(err, unix.EACCES)
	if err == nil {
		_ = root.Close()
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	found.Network = errors.Is(err, unix.EPERM)
	if err == nil {
		_ = unix.Close(socket)
	}
	// These two flags exclude each other: a kernel that executes the call returns EINVAL.
	_, _, errno := unix.RawSyscall(unix.SYS_CLONE, unix.CLONE_NEWNS|unix.CLONE_FS, 0, 0)
	found.Processes = errno == unix.EPERM
	return json.NewEncoder(os.Stdout).Encode(found)
}

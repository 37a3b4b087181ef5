package media

import (
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ownGroup makes the child the leader of a new process group, and lets the kernel kill it if our thread ends first.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// apply limits this process (0), or a child that has just started and still loads its libraries.
func (l limits) apply(pid int) error {
	limit := func(resource int, name string, value, grace uint64) error {
		if value == 0 {
			return nil
		}
		if err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: value, Max: value + grace}, nil); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	if err := limit(unix.RLIMIT_FSIZE, "file size", l.FileSize, 0); err != nil {
		return err
	}
	// The soft limit of processor time sends SIGXCPU, by which run recognizes it; the hard limit sends SIGKILL.
	if err := limit(unix.RLIMIT_CPU, "processor time", uint64((l.CPU+time.Second-1)/time.Second), 5); err != nil {
		return err
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil); err != nil {
		return fmt.Errorf("core file: %w", err)
	}
	if err := limit(unix.RLIMIT_NOFILE, "open files", maxOpenFiles, 0); err != nil {
		return err
	}
	if err := renice(pid, l.Niceness); err != nil {
		return err
	}
	return limit(unix.RLIMIT_AS, "address space", l.AddressSpace, 0) // last, because this process may still allocate
}

// clock returns the limit of wall-clock time.
func (l limits) clock() time.Duration { return l.Time }

// cpuTime returns the processor time that all threads of a process have used so far. known is false if the process
// has ended.
func cpuTime(pid int) (used time.Duration, known bool) {
	// The clock id that clock_getcpuclockid(3) computes: the complement of the process id, and CPUCLOCK_SCHED.
	clock := ^int32(pid)<<3 | 2
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, false
	}
	return time.Duration(t.Nano()), true
}

package media

import (
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ownGroup puts the child at the head of a new process group, and has the kernel kill it if our thread ends first.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// apply limits this process (0), or a child that has just started and is still loading its libraries.
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
	// At the soft limit of processor time comes SIGXCPU, which tells what it was; at the hard one SIGKILL.
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
	return limit(unix.RLIMIT_AS, "address space", l.AddressSpace, 0) // last, since this process may itself need some
}

// clock is the limit on the clock.
func (l limits) clock() time.Duration { return l.Time }

// cpuTime is the processor time that all threads of a process have used so far. It is not known of a process that is gone.
func cpuTime(pid int) (used time.Duration, known bool) {
	// What clock_getcpuclockid(3) makes of a process id: its complement, and CPUCLOCK_SCHED.
	clock := ^int32(pid)<<3 | 2
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, false
	}
	return time.Duration(t.Nano()), true
}

//go:build unix && !linux

package media

import (
	"syscall"
	"time"
)

// ownGroup puts the child at the head of a new process group.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// apply only lowers the priority: other systems cannot limit a process from outside.
func (l limits) apply(pid int) error { return renice(pid, l.Niceness) }

// clock is the limit on the clock, for which that of processor time stands in.
func (l limits) clock() time.Duration {
	if l.CPU > 0 && (l.Time == 0 || l.CPU < l.Time) {
		return l.CPU
	}
	return l.Time
}

// cpuTime is not known.
func cpuTime(int) (used time.Duration, known bool) { return 0, false }

//go:build unix && !linux

package media

import (
	"syscall"
	"time"
)

// ownGroup makes the child the leader of a new process group.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// apply only lowers the priority: other systems cannot limit a process from outside.
func (l limits) apply(pid int) error { return renice(pid, l.Niceness) }

// clock returns the limit of wall-clock time. The limit of processor time applies to it too, because it cannot be
// enforced otherwise.
func (l limits) clock() time.Duration {
	if l.CPU > 0 && (l.Time == 0 || l.CPU < l.Time) {
		return l.CPU
	}
	return l.Time
}

// cpuTime is not supported.
func cpuTime(int) (used time.Duration, known bool) { return 0, false }

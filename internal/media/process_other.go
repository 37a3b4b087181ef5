//go:build unix && !linux

package media

import "syscall"

// ownGroup puts the child at the head of a new process group.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// apply only lowers the priority: other systems cannot limit a process from outside. The limit of time still holds.
func (l limits) apply(pid int) error { return renice(pid, l.Niceness) }

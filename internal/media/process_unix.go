//go:build unix

package media

import (
	"fmt"
	"syscall"
)

// renice lowers a child's priority. It comes right after the start, before there are threads that would keep the old one.
func renice(pid, niceness int) error {
	if niceness == 0 {
		return nil
	}
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, pid, niceness); err != nil {
		return fmt.Errorf("priority: %w", err)
	}
	return nil
}

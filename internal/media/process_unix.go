//go:build unix

package media

import (
	"fmt"
	"syscall"
)

// renice lowers a child's priority. It must run right after the start, before the child has threads that would keep
// the old priority.
func renice(pid, niceness int) error {
	if niceness == 0 {
		return nil
	}
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, pid, niceness); err != nil {
		return fmt.Errorf("priority: %w", err)
	}
	return nil
}

package media

import "golang.org/x/sys/unix"

const (
	auditArch    = unix.AUDIT_ARCH_AARCH64
	otherNumbers = 0
)

// forbiddenHere are the older forms of forbidden calls.
var forbiddenHere = []uint32{unix.SYS_RENAMEAT}

package media

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A seccomp filter refuses system calls that FFmpeg does not need with EPERM. It survives exec and applies to all
// threads. Landlock covers only paths and some sockets; the filter covers the rest: sockets of any kind, starting and
// disturbing other processes, changing the names, owners and modes of files, and the parts of the kernel that
// exploits use most often.
var forbidden = append([]uint32{
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_SENDTO, unix.SYS_SENDMSG,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,

	unix.SYS_EXECVEAT, unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE, unix.SYS_KCMP,
	unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL,
	unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_SHMCTL, unix.SYS_MSGGET, unix.SYS_MSGSND, unix.SYS_SEMGET, unix.SYS_MQ_OPEN,

	unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_UTIMENSAT,
	unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR,
	unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_RENAMEAT2, unix.SYS_MKNODAT, unix.SYS_MKDIRAT, unix.SYS_UNLINKAT,

	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_CHROOT, unix.SYS_PIVOT_ROOT, unix.SYS_MOUNT, unix.SYS_UMOUNT2,
	unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN, unix.SYS_FSPICK, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT,
	unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_FANOTIFY_INIT,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,
}, forbiddenHere...)

// Offsets in struct seccomp_data (linux/seccomp.h). Only the low half of an argument is compared: flags and process
// ids fit in it.
const (
	offsetCall = 0
	offsetArch = 4
	offsetArgs = 16
)

// filter is a classic BPF program.
type filter []unix.SockFilter

func (f *filter) add(code uint16, k uint32, yes, no uint8) {
	*f = append(*f, unix.SockFilter{Code: code, K: k, Jt: yes, Jf: no})
}

func (f *filter) load(offset uint32)  { f.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offset, 0, 0) }
func (f *filter) answer(value uint32) { f.add(unix.BPF_RET|unix.BPF_K, value, 0, 0) }

const (
	equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	higher = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	hasBit = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K

	refused = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	unknown = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
)

// onlyWith allows a call if its argument matches one of the values, and refuses it otherwise.
func (f *filter) onlyWith(call uint32, argument int, compare uint16, values ...uint32) {
	f.add(equal, call, 0, uint8(len(values)+3))
	f.load(offsetArgs + 8*uint32(argument))
	for i, value := range values {
		f.add(compare, value, uint8(len(values)-i), 0)
	}
	f.answer(refused)
	f.answer(unix.SECCOMP_RET_ALLOW)
}

// newFilter returns the filter of a process. A call with another architecture's numbers kills the process.
func newFilter(pid uint32) filter {
	var f filter
	f.load(offsetArch)
	f.add(equal, auditArch, 1, 0)
	f.answer(unix.SECCOMP_RET_KILL_PROCESS)
	f.load(offsetCall)
	if otherNumbers > 0 {
		f.add(higher, otherNumbers, 0, 1)
		f.answer(refused)
	}
	for _, call := range forbidden {
		f.add(equal, call, 0, 1)
		f.answer(refused)
	}
	f.add(equal, unix.SYS_CLONE3, 0, 1)
	f.answer(unknown) // its flags are in memory, which a filter cannot read; libraries then fall back to clone
	f.onlyWith(unix.SYS_CLONE, 0, hasBit, unix.CLONE_THREAD)
	f.onlyWith(unix.SYS_TGKILL, 0, equal, pid)
	f.onlyWith(unix.SYS_PRLIMIT64, 0, equal, 0, pid)
	f.onlyWith(unix.SYS_SETPRIORITY, 1, equal, 0, pid)
	f.answer(unix.SECCOMP_RET_ALLOW)
	return f
}

// forbid installs the filter on this thread.
func forbid() error {
	if auditArch == 0 {
		return nil
	}
	return newFilter(uint32(os.Getpid())).install()
}

// install installs the filter on this thread, which keeps it through exec. On a kernel without seccomp it does
// nothing, and the trial reports that.
func (f filter) install() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	program := unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]}
	err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
	if err != nil && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("seccomp: %w", err)
	}
	return nil
}

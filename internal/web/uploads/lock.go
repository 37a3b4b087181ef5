package uploads

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"
	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"

	"risingstars/internal/web/problem"
)

const (
	lockLimit = 20 * time.Second      // how long a request waits for another that has the same upload, if nothing else is said
	lockEvery = 50 * time.Millisecond // how often it tries again while another process has it
)

// locker lets one request at a time work on an upload. One of the same process is asked to end; one of another process
// that shares the folder is waited for.
type locker struct {
	dir  string
	here *memorylocker.MemoryLocker
}

func newLocker(dir string) locker { return locker{dir, memorylocker.New()} }

// NewLock implements handler.Locker.
func (l locker) NewLock(id string) (handler.Lock, error) {
	here, err := l.here.NewLock(id)
	// Without O_CREATE, since an upload without this file is over. NFS locks exclusively only what is open for writing.
	return &lock{here: here, file: flock.New(infoPath(l.dir, id), flock.SetFlag(os.O_RDWR))}, err
}

// lock is a file lock (flock) on the file that describes the upload, which stays where it is until the upload is over. The
// kernel releases it when the process ends, however it ends.
type lock struct {
	here handler.Lock
	file *flock.Flock
}

// Lock implements handler.Lock.
func (l *lock) Lock(ctx context.Context, requestUnlock func()) error {
	if err := l.here.Lock(ctx, requestUnlock); err != nil {
		return waited(ctx, err)
	}
	if err := l.lockFile(ctx); err != nil {
		_ = l.here.Unlock() // never fails
		return waited(ctx, err)
	}
	return nil
}

// waited lets a client that has waited in vain come back, where the protocol's handler would answer with a 500.
func waited(ctx context.Context, err error) error {
	c := callOf(ctx)
	if c == nil || !errors.Is(err, handler.ErrLockTimeout) {
		return err
	}
	told := c.refuse(problem.ServerBusy(c.tag))
	told.ErrorCode = handler.ErrLockTimeout.ErrorCode
	return told
}

func (l *lock) lockFile(ctx context.Context) error {
	locked, err := l.file.TryLockContext(ctx, lockEvery)
	switch {
	case locked:
		return nil
	case errors.Is(err, os.ErrNotExist):
		return handler.ErrNotFound
	case ctx.Err() != nil:
		return handler.ErrLockTimeout
	}
	return fmt.Errorf("lock an upload: %w", err)
}

// Unlock implements handler.Lock.
func (l *lock) Unlock() error { return errors.Join(l.file.Unlock(), l.here.Unlock()) }

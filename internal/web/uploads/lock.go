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
	lockLimit = 20 * time.Second      // how long a request waits for the upload's lock by default
	lockEvery = 50 * time.Millisecond // how often a request polls the file lock while another process holds it
)

// locker makes a lock for each upload, so that one request at a time works on it. Within the process, tusd asks the
// request that holds the lock to end. If another process that shares the folder holds the lock, the request
// polls the file lock.
type locker struct {
	dir  string
	here *memorylocker.MemoryLocker
}

func newLocker(dir string) locker { return locker{dir, memorylocker.New()} }

// NewLock implements handler.Locker.
func (l locker) NewLock(id string) (handler.Lock, error) {
	here, err := l.here.NewLock(id)
	// No O_CREATE: an upload without this file is over. NFS grants exclusive locks only on files opened for writing.
	return &lock{here: here, file: flock.New(infoPath(l.dir, id), flock.SetFlag(os.O_RDWR))}, err
}

// lock is a file lock (flock) on the upload's description file, which exists until the upload is over. The kernel
// releases the lock when the process ends, even after a crash.
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

// waited turns a lock timeout into a 423 with Retry-After. The tus handler would answer with a 500.
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

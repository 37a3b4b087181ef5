package uploads

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"

	"risingstars/internal/web/problem"
)

const (
	lockLimit = 20 * time.Second      // how long a request waits for another that has the same upload, if nothing else is said
	lockEvery = 50 * time.Millisecond // how often it looks whether another process has let go
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
	return &lock{here: here, path: infoPath(l.dir, id)}, err
}

// lock is a file lock (flock) on the file that describes the upload, which stays where it is until the upload is over. The
// kernel releases it when the process ends, however it ends.
type lock struct {
	here handler.Lock
	path string
	file *os.File
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

func (l *lock) lockFile(ctx context.Context) (err error) {
	l.file, err = os.OpenFile(l.path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return handler.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("lock an upload: %w", err)
	}
	tick := time.NewTicker(lockEvery)
	defer tick.Stop()
	for {
		err = syscall.Flock(int(l.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return errors.Join(fmt.Errorf("lock an upload: %w", err), l.file.Close())
		}
		select {
		case <-ctx.Done():
			_ = l.file.Close() // nothing was written
			return handler.ErrLockTimeout
		case <-tick.C:
		}
	}
}

// Unlock implements handler.Lock.
func (l *lock) Unlock() error {
	_ = l.file.Close() // gives the lock back; nothing was written through it
	return l.here.Unlock()
}

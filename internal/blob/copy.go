package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"risingstars/internal/disk"
)

// ErrDiffers is returned where what was read back is not what was written.
var ErrDiffers = errors.New("the copy differs from the original")

// CopyObject brings one object from a storage to another, through a file in the folder work, and reads it back there: the
// SHA-256 of the bytes on both sides is what it relies on. Where the same bytes are there already, it does nothing more
// and returns false. A copy that differs is removed.
func CopyObject(ctx context.Context, from, to Storage, key, work string) (copied bool, err error) {
	there, err := statObject(ctx, to, key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, err
	}
	dir, err := os.MkdirTemp(work, "copy-*")
	if err != nil {
		return false, fmt.Errorf("copy %s: %w", key, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "object")
	if err := from.Fetch(ctx, key, path); err != nil {
		return false, err
	}
	f, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("copy %s: %w", key, err)
	}
	want, size, err := hashAndClose(ctx, f)
	if err != nil {
		return false, fmt.Errorf("copy %s: %w", key, err)
	}
	if there.Key != "" && there.Size == size {
		if got, err := hashObject(ctx, to, key); err != nil || got == want {
			return false, err
		}
	}
	if err := to.PutFile(ctx, key, path); err != nil {
		return false, err
	}
	got, err := hashObject(ctx, to, key)
	if errors.Is(err, ErrNotFound) {
		return false, fmt.Errorf("%s: %w: it is not there", key, ErrDiffers) // the original is
	}
	if err == nil && got != want {
		err = errors.Join(fmt.Errorf("%s: %w", key, ErrDiffers), to.Delete(ctx, key))
	}
	return err == nil, err
}

func statObject(ctx context.Context, s Storage, key string) (Info, error) {
	object, info, err := s.Open(ctx, key)
	if err != nil {
		return Info{}, err
	}
	return info, object.Close()
}

// hashObject is the checksum of an object as it is read from storage.
func hashObject(ctx context.Context, s Storage, key string) (hash [sha256.Size]byte, err error) {
	object, _, err := s.Open(ctx, key)
	if err != nil {
		return hash, err
	}
	hash, _, err = hashAndClose(ctx, object)
	if err != nil {
		return hash, fmt.Errorf("read %s: %w", key, err)
	}
	return hash, nil
}

// hashAndClose reads to the end and closes.
func hashAndClose(ctx context.Context, r io.ReadCloser) (hash [sha256.Size]byte, size int64, err error) {
	h := sha256.New()
	size, err = disk.CopyContext(ctx, h, r)
	h.Sum(hash[:0])
	return hash, size, errors.Join(err, r.Close())
}

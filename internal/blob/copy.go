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

// ErrDiffers is returned if the copy that was read back is not equal to the original.
var ErrDiffers = errors.New("the copy differs from the original")

// CopyObject copies one object from one storage to another, through a temporary file in the folder work. It verifies
// the copy by reading it back and comparing the SHA-256. If the destination already has the same bytes, it writes
// nothing and returns false. A copy that differs is deleted, and the error is ErrDiffers.
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
		return false, fmt.Errorf("%s: %w: it is not there", key, ErrDiffers) // PutFile may have moved the file, but from still has the original
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

// hashObject is the SHA-256 of an object as it is read from the storage.
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

// hashAndClose reads r to its end, closes it, and returns the SHA-256 and the number of bytes.
func hashAndClose(ctx context.Context, r io.ReadCloser) (hash [sha256.Size]byte, size int64, err error) {
	h := sha256.New()
	size, err = disk.CopyContext(ctx, h, r)
	h.Sum(hash[:0])
	return hash, size, errors.Join(err, r.Close())
}

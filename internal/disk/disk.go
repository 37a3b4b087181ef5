// Package disk has file operations that the standard library lacks.
package disk

import (
	"context"
	"errors"
	"io"
	"os"
)

// LinkOrCopy gives a file a second name by a hard link, or copies it if the link fails, for example across file
// systems. second must not exist. A copy is not synced, is readable by its owner only, ends with ctx, and is removed
// if it is incomplete.
func LinkOrCopy(ctx context.Context, path, second string) error {
	return linkOrCopy(ctx, path, second, os.Link)
}

func linkOrCopy(ctx context.Context, path, second string, byName func(path, second string) error) error {
	if byName(path, second) == nil {
		return nil
	}
	source, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }() // only read
	f, err := os.OpenFile(second, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = CopyContext(ctx, f, source)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(second))
	}
	return nil
}

// CopyContext is [io.Copy] that ends with ctx.
func CopyContext(ctx context.Context, to io.Writer, from io.Reader) (int64, error) {
	return io.Copy(to, contextReader{ctx, from})
}

type contextReader struct {
	ctx  context.Context //nolint:containedctx // lives for one copy only
	from io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}

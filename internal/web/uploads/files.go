package uploads

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/tus/tusd/v2/pkg/filestore"
	"github.com/tus/tusd/v2/pkg/handler"

	"risingstars/internal/contest"
)

// files keeps the pieces as the library does. Where the disk is full or broken, clients are told so, and an upload that
// could not be made leaves nothing.
type files struct {
	filestore.FileStore

	remove func(ctx context.Context, id string) error
}

// NewUpload implements handler.DataStore.
func (f files) NewUpload(ctx context.Context, info handler.FileInfo) (handler.Upload, error) {
	made, err := f.FileStore.NewUpload(ctx, info)
	if err != nil {
		return nil, trouble(ctx, errors.Join(err, f.remove(context.WithoutCancel(ctx), info.ID)))
	}
	return file{made}, nil
}

// GetUpload implements handler.DataStore.
func (f files) GetUpload(ctx context.Context, id string) (handler.Upload, error) {
	found, err := f.FileStore.GetUpload(ctx, id)
	if _, cut := errors.AsType[*json.SyntaxError](err); cut {
		return nil, handler.ErrNotFound // the program died while it was made; the client begins anew
	}
	if err != nil {
		return nil, trouble(ctx, err)
	}
	return file{found}, nil
}

// AsTerminatableUpload implements handler.TerminaterDataStore.
func (f files) AsTerminatableUpload(upload handler.Upload) handler.TerminatableUpload {
	if own, ok := upload.(file); ok {
		upload = own.Upload
	}
	return f.FileStore.AsTerminatableUpload(upload)
}

// file is one upload.
type file struct{ handler.Upload }

// WriteChunk implements handler.Upload.
func (f file) WriteChunk(ctx context.Context, offset int64, source io.Reader) (int64, error) {
	n, err := f.Upload.WriteChunk(ctx, offset, source)
	return n, trouble(ctx, err)
}

// again gives a file a second name by link, which is os.Link, or copies it where the file system has no such thing. What a program
// that died has left there is replaced. A copy ends with ctx, and what there is of it is removed.
func again(ctx context.Context, second, path string, link func(path, second string) error) error {
	if err := os.Remove(second); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if link(path, second) == nil {
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
	_, err = io.Copy(f, contextReader{ctx, source})
	if err = errors.Join(err, f.Close()); err != nil { // whoever takes it syncs it
		return errors.Join(err, os.Remove(second))
	}
	return nil
}

// contextReader ends a long copy when its context ends.
type contextReader struct {
	ctx context.Context //nolint:containedctx // lives for one copy only
	io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.Read(p)
}

// trouble is what an error of the disk is to the client. Others, such as a client that has gone, stay as they are.
func trouble(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); !ok {
		return err
	}
	c := callOf(ctx)
	if c == nil {
		return err
	}
	return c.refuse(fmt.Errorf("keep an upload: %w: %w", contest.ErrUnavailable, err))
}

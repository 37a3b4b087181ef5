package uploads

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/tus/tusd/v2/pkg/filestore"
	"github.com/tus/tusd/v2/pkg/handler"

	"risingstars/internal/contest"
)

// files is tusd's file store. If the disk is full or fails, it answers with a problem; an upload that could not be
// created leaves no files.
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
		return nil, handler.ErrNotFound // the program crashed while it wrote the file; the client starts again
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

// file is one upload in the store.
type file struct{ handler.Upload }

// WriteChunk implements handler.Upload.
func (f file) WriteChunk(ctx context.Context, offset int64, source io.Reader) (int64, error) {
	n, err := f.Upload.WriteChunk(ctx, offset, source)
	return n, trouble(ctx, err)
}

// trouble turns an error of the disk into a problem for the client. Other errors, such as a disconnected client, stay
// unchanged.
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

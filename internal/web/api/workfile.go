package api

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"risingstars/internal/contest"
)

// workFile receives an upload on disk. The caller of newWorkFile must call remove.
type workFile struct {
	f      *os.File
	synced sync.WaitGroup
}

func newWorkFile(dir string) (*workFile, error) {
	f, err := os.CreateTemp(dir, "upload-*")
	if err != nil {
		return nil, fmt.Errorf("make a work file: %w: %w", contest.ErrUnavailable, err)
	}
	return &workFile{f: f}, nil
}

func (w *workFile) path() string { return w.f.Name() }

// writers is a pool of buffers: the form arrives in small pieces, and the disk gets large writes.
var writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, chunkSize) }}

// fill writes all of arriving to the file and returns the number of bytes. If reading fails, the error is a
// *brokenBodyError or contest.ErrTooLarge; if writing fails, it wraps contest.ErrUnavailable.
func (w *workFile) fill(arriving io.Reader) (int64, error) {
	buffer, _ := writers.Get().(*bufio.Writer)
	buffer.Reset(w.f)
	defer func() {
		buffer.Reset(nil)
		writers.Put(buffer)
	}()
	source := &readErrors{r: arriving}
	n, err := io.Copy(struct{ io.Writer }{buffer}, source)
	if source.err != nil {
		return n, brokenBody(source.err)
	}
	if err = errors.Join(err, buffer.Flush()); err != nil {
		return n, fmt.Errorf("write the work file: %w: %w", contest.ErrUnavailable, err)
	}
	return n, nil
}

// readErrors records the error of reading, so that fill can distinguish it from an error of writing.
type readErrors struct {
	r   io.Reader
	err error
}

func (r *readErrors) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err //nolint:wrapcheck // passes on what io.Copy must see as it is
}

// beginSync starts an fsync of the file in the background. The storage syncs it again and reports errors; that second
// sync then has little left to write.
func (w *workFile) beginSync() {
	w.synced.Go(func() { _ = w.f.Sync() })
}

// remove waits for the sync, closes the file and removes it. A file that was moved away stays where it is.
func (w *workFile) remove() {
	w.synced.Wait()
	_ = w.f.Close()
	if err := os.Remove(w.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		_ = os.Truncate(w.path(), 0) // the next start of the program removes it
	}
}

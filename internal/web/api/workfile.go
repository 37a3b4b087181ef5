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

// workFile is where an upload arrives. Whoever makes one removes it.
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

// writers are the buffers between the form, which comes in small pieces, and the disk.
var writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, chunkSize) }}

// fill writes everything that arrives and returns how many bytes it was. An error in reading is a *brokenBodyError or
// contest.ErrTooLarge.
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

// readErrors keeps what reading failed with, to tell it from what writing failed with.
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

// beginSync starts to flush the file to disk. Whoever needs it there syncs again, which then has little left to do and
// reports what went wrong.
func (w *workFile) beginSync() {
	w.synced.Go(func() { _ = w.f.Sync() })
}

// remove ends everything about the file. Where it was moved to another place, it stays there.
func (w *workFile) remove() {
	w.synced.Wait()
	_ = w.f.Close()
	if err := os.Remove(w.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		_ = os.Truncate(w.path(), 0) // the next start removes it
	}
}

package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"risingstars/internal/contest"
	"risingstars/internal/web/lang"
	"risingstars/internal/web/problem"
)

const (
	// UploadPath takes only POST, although the pattern with a video's id matches it as well.
	UploadPath = "/api/videos/upload"

	framing   = 1 << 20   // bytes that a form may have besides the file
	maxText   = 4 << 10   // bytes of a title that are read; 255 characters have at most 1020 bytes
	chunkSize = 256 << 10 // bytes of a read from the connection and of a write to the disk
)

// The fields of the form.
const (
	fileField  = "video_file"
	titleField = "title"
)

type uploadInput struct {
	Caller
	Streamed
}

// Streamed is the part of an input that has the request itself, for a handler that reads the body as it arrives.
type Streamed struct {
	r *http.Request
}

// Resolve takes the request from huma.
func (s *Streamed) Resolve(ctx huma.Context) []error {
	s.r, _ = humago.Unwrap(ctx)
	return nil
}

type uploadOutput struct {
	Body struct {
		Message string `json:"message" example:"Video subido exitosamente. Procesamiento en curso."`
		TaskID  string `json:"task_id" doc:"The job that processes the video." example:"1"`
		VideoID int64  `json:"video_id" example:"1"`
	}
}

// upload reads a form part by part. It writes the file directly to a work file and checks it when it is complete. A
// refused file is removed.
func (a *API) upload(ctx context.Context, in *uploadInput) (*uploadOutput, error) {
	a.metrics.uploadsInFlight.Inc()
	defer a.metrics.uploadsInFlight.Dec()
	v, err := a.receiveAndAccept(ctx, in)
	a.UploadEnded(err)
	if err != nil {
		return nil, err
	}
	out := &uploadOutput{}
	out.Body.Message = "Video subido exitosamente. Procesamiento en curso."
	out.Body.TaskID = v.TaskID
	out.Body.VideoID = v.ID
	return out, nil
}

// receiveAndAccept refuses an upload as early as possible: before it reads the body it checks the Content-Length, the
// free disk space, the player's semaphore of uploads and the quota. Only then does it create a work file and read the
// form.
func (a *API) receiveAndAccept(ctx context.Context, in *uploadInput) (contest.Video, error) {
	if in.r.ContentLength > a.MaxUpload+framing {
		return contest.Video{}, contest.ErrTooLarge
	}
	if err := a.Room(); err != nil {
		return contest.Video{}, err
	}
	release, err := a.Limits.AcquireUpload(ctx, in.player.ID)
	if err != nil {
		return contest.Video{}, err
	}
	defer release()
	if err := a.Videos.CheckQuota(ctx, in.player, max(0, in.r.ContentLength-framing)); err != nil {
		return contest.Video{}, err
	}
	work, err := newWorkFile(a.WorkDir)
	if err != nil {
		return contest.Video{}, err
	}
	defer work.remove()
	form := uploadForm{work: work, maxFile: a.MaxUpload}
	err = form.read(in.r)
	a.UploadReceived(form.size)
	if err != nil {
		return contest.Video{}, err
	}
	work.beginSync() // runs while the file is checked
	return a.Videos.AcceptUpload(ctx, in.player, contest.Upload{
		Title: form.title, Path: work.path(), Size: form.size, DeclaredType: form.declaredType,
	})
}

// uploadForm is what was read of the form so far.
type uploadForm struct {
	work    *workFile
	maxFile int64 // bytes

	title        string
	hasTitle     bool
	hasFile      bool
	size         int64 // bytes of the file
	declaredType string
}

// read reads the parts in any order. It refuses an invalid title at once, so that the client does not send the file
// in vain.
func (f *uploadForm) read(r *http.Request) error {
	parts, err := r.MultipartReader()
	if err != nil {
		return f.missing() // not a form
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return f.missing()
		}
		if err != nil {
			return brokenBody(err)
		}
		if err := f.readPart(part); err != nil {
			return err
		}
	}
}

// readPart reads one part of the form. Unknown parts are read and discarded.
func (f *uploadForm) readPart(part *multipart.Part) error {
	switch part.FormName() {
	case titleField:
		return f.readTitle(part)
	case fileField:
		if part.FileName() == "" {
			return nil // a text field in place of the file does not count as the file
		}
		return f.readFile(part)
	default:
		_, err := io.Copy(io.Discard, part) // bounded by the limit of the whole body
		return brokenBody(err)
	}
}

// readTitle reads at most maxText bytes of the title and checks it. A second title is refused.
func (f *uploadForm) readTitle(part io.Reader) error {
	if f.hasTitle {
		return &contest.InvalidError{Fields: []contest.Field{{Name: titleField, Fault: contest.Repeated}}}
	}
	text, err := io.ReadAll(io.LimitReader(part, maxText+1))
	if err != nil {
		return brokenBody(err)
	}
	if len(text) > maxText {
		return &contest.InvalidError{Fields: []contest.Field{
			{Name: titleField, Fault: contest.TooLong, Limit: contest.MaxTitle},
		}}
	}
	f.title, f.hasTitle = string(text), true
	_, err = contest.CheckTitle(f.title)
	return err
}

// readFile writes the file to the work file and records its size and declared media type. It returns
// contest.ErrTooLarge after maxFile bytes. A second file is refused.
func (f *uploadForm) readFile(part *multipart.Part) error {
	if f.hasFile {
		return &contest.InvalidError{Fields: []contest.Field{{Name: fileField, Fault: contest.Repeated}}}
	}
	f.hasFile = true
	f.declaredType, _, _ = strings.Cut(part.Header.Get("Content-Type"), ";")
	f.declaredType = strings.TrimSpace(f.declaredType)
	var err error
	f.size, err = f.work.fill(io.LimitReader(part, f.maxFile+1))
	if err != nil {
		return err
	}
	if f.size > f.maxFile {
		return contest.ErrTooLarge
	}
	return nil
}

// missing returns the required fields that the form lacks as an error, or nil if it is complete.
func (f *uploadForm) missing() error {
	var fields []contest.Field
	if !f.hasFile {
		fields = append(fields, contest.Field{Name: fileField, Fault: contest.Missing})
	}
	if !f.hasTitle {
		fields = append(fields, contest.Field{Name: titleField, Fault: contest.Missing})
	}
	if fields == nil {
		return nil
	}
	return &contest.InvalidError{Fields: fields}
}

// brokenBodyError is a body that ended early, stalled, or is not a valid form.
type brokenBodyError struct{ err error }

func (e *brokenBodyError) Error() string { return fmt.Sprintf("read the body: %v", e.err) }
func (e *brokenBodyError) Unwrap() error { return e.err }

// problem is a 408 for a body that stalled, else a 400.
func (e *brokenBodyError) problem(tag lang.Tag) *problem.Problem {
	if errors.Is(e.err, os.ErrDeadlineExceeded) {
		return problem.ProblemForStatus(http.StatusRequestTimeout, "", tag)
	}
	return problem.NewProblem(http.StatusBadRequest, brokenForm.In(tag))
}

var brokenForm = lang.Text{
	ES: "El formulario llegó incompleto o mal formado. Vuelve a enviarlo.",
	EN: "The form arrived incomplete or malformed. Send it again.",
}

// brokenBody classifies an error of reading the body: contest.ErrTooLarge or a *brokenBodyError. nil stays nil.
func brokenBody(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooLarge):
		return contest.ErrTooLarge
	default:
		return &brokenBodyError{err}
	}
}

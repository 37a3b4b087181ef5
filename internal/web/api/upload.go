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
	// UploadPath takes POST only, though the pattern of a video's id matches it as well.
	UploadPath = "/api/videos/upload"

	framing   = 1 << 20   // bytes that a form may have around its file
	maxText   = 4 << 10   // bytes of a title that are read; 255 characters need at most 1020
	chunkSize = 256 << 10 // bytes read from the connection, and written to the disk, at once
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

// Streamed is the part of an input that hands the request itself to a handler which reads the body as it arrives.
type Streamed struct {
	r *http.Request
}

// Resolve takes the request over.
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

// upload takes a form part by part. The file goes straight to a work file; it is judged once it is there, and nothing
// of it stays if it is refused.
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
	work.beginSync() // goes on while the file is judged
	return a.Videos.AcceptUpload(ctx, in.player, contest.Upload{
		Title: form.title, Path: work.path(), Size: form.size, DeclaredType: form.declaredType,
	})
}

// uploadForm is the form as far as it was read.
type uploadForm struct {
	work    *workFile
	maxFile int64 // bytes

	title        string
	hasTitle     bool
	hasFile      bool
	size         int64 // bytes of the file
	declaredType string
}

// read takes the parts in whatever order they come. A title that breaks the rules is refused at once, so that nobody
// sends a hundred megabytes for it.
func (f *uploadForm) read(r *http.Request) error {
	parts, err := r.MultipartReader()
	if err != nil {
		return f.missing() // not a form at all
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

func (f *uploadForm) readPart(part *multipart.Part) error {
	switch part.FormName() {
	case titleField:
		return f.readTitle(part)
	case fileField:
		if part.FileName() == "" {
			return nil // a text in place of a file is no file
		}
		return f.readFile(part)
	default:
		_, err := io.Copy(io.Discard, part) // bounded by the whole body's limit
		return brokenBody(err)
	}
}

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

// missing names the fields that the form should have had, nil if it is whole.
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

// brokenBodyError is a body that ended early, stalled, or is no form.
type brokenBodyError struct{ err error }

func (e *brokenBodyError) Error() string { return fmt.Sprintf("read the body: %v", e.err) }
func (e *brokenBodyError) Unwrap() error { return e.err }

// problem is what the client gets to read, if it is still there.
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

// brokenBody says what an error in reading the body is to the client; nil stays nil.
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

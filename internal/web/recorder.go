package web

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"risingstars/internal/web/problem"
)

// recorder records the status and the length of the answer.
type recorder struct {
	http.ResponseWriter
	code  int // 0 until the header was sent
	bytes int64
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	if r.code == 0 && status >= http.StatusOK { // informational answers (1xx) precede the final one
		r.code = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.code == 0 {
		r.code = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// ReadFrom keeps sendfile possible: without it io.Copy would move every file through a buffer of the program.
func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	if r.code == 0 {
		r.code = http.StatusOK
	}
	n, err := io.Copy(r.ResponseWriter, src)
	r.bytes += n
	return n, err
}

// FlushError implements what http.ResponseController calls. A flush also sends the header.
func (r *recorder) FlushError() error {
	if r.code == 0 {
		r.code = http.StatusOK
	}
	return http.NewResponseController(r.ResponseWriter).Flush()
}

func (r *recorder) status() int {
	if r.code == 0 {
		return http.StatusOK // what net/http sends for a handler that wrote nothing
	}
	return r.code
}

// plainErrors passes answers through, and discards plain-text errors, so that routed can replace them with problems
// (RFC 9457).
type plainErrors struct {
	http.ResponseWriter
	r      *http.Request
	status int    // of the discarded answer; 0 if nothing was discarded
	text   []byte // the first piece of the discarded body, for the log
}

// Unwrap lets http.ResponseController reach the connection.
func (p *plainErrors) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *plainErrors) WriteHeader(status int) {
	switch {
	case status >= http.StatusBadRequest && !formed(p.Header().Get("Content-Type")):
		p.status = status
	case p.astray(status):
		p.status = http.StatusNotFound
	default:
		p.ResponseWriter.WriteHeader(status)
		return
	}
	for _, name := range []string{"Content-Encoding", "ETag", "Location"} { // headers that describe the discarded answer
		p.Header().Del(name)
	}
}

// formed reports whether an error is already a problem, or an HTML page of the site about one. All other errors are
// plain text.
func formed(contentType string) bool {
	return contentType == problem.MediaType || strings.HasPrefix(contentType, "text/html")
}

// astray reports whether the answer is a redirect of the router that must become a 404. There are two cases: the
// router cleaned a path that no route matches, or it redirects a directory to the same path with a slash, which
// slashless would remove again.
func (p *plainErrors) astray(status int) bool {
	if status < http.StatusMultipleChoices || status >= http.StatusBadRequest || status == http.StatusNotModified {
		return false
	}
	to, _, _ := strings.Cut(p.Header().Get("Location"), "?")
	return p.r.Pattern == "" || to == p.r.URL.EscapedPath()+"/"
}

func (p *plainErrors) Write(b []byte) (int, error) {
	if p.status != 0 {
		if p.text == nil {
			p.text = bytes.Clone(b)
		}
		return len(b), nil
	}
	return p.ResponseWriter.Write(b)
}

// ReadFrom keeps sendfile possible: without it io.Copy would move every file through a buffer of the program.
func (p *plainErrors) ReadFrom(src io.Reader) (int64, error) {
	if p.status != 0 {
		return io.Copy(io.Discard, src)
	}
	return io.Copy(p.ResponseWriter, src)
}

// FlushError implements what http.ResponseController calls. A discarded answer has nothing to flush.
func (p *plainErrors) FlushError() error {
	if p.status != 0 {
		return nil
	}
	return http.NewResponseController(p.ResponseWriter).Flush()
}

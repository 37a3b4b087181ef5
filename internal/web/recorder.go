package web

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"risingstars/internal/web/problem"
)

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	code  int // 0 until the header was sent
	bytes int64
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	if r.code == 0 && status >= http.StatusOK { // the ones below 200 go before the answer
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

// ReadFrom lets files go to the connection without passing through the program.
func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	if r.code == 0 {
		r.code = http.StatusOK
	}
	n, err := io.Copy(r.ResponseWriter, src)
	r.bytes += n
	return n, err
}

// FlushError is what http.ResponseController calls: a flush sends the header.
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

// plainErrors passes on what handlers answer, and holds back errors that are no problems in the sense of RFC 9457.
type plainErrors struct {
	http.ResponseWriter
	r      *http.Request
	status int    // of what was held back, 0 for nothing
	text   []byte // the first piece of it
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
	for _, name := range []string{"Content-Encoding", "ETag", "Location"} { // of what is not sent
		p.Header().Del(name)
	}
}

// formed reports whether an error is a problem already, or a page of the site about one. Everything else is plain text.
func formed(contentType string) bool {
	return contentType == problem.MediaType || strings.HasPrefix(contentType, "text/html")
}

// astray reports whether the answer is a redirect of the router's that leads nowhere: to a path that is tidier and not
// there either, or from a folder to the same with a slash, which would be the same again here.
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

// ReadFrom lets files go to the connection without passing through the program.
func (p *plainErrors) ReadFrom(src io.Reader) (int64, error) {
	if p.status != 0 {
		return io.Copy(io.Discard, src)
	}
	return io.Copy(p.ResponseWriter, src)
}

// FlushError is what http.ResponseController calls. There is nothing to flush of what is held back.
func (p *plainErrors) FlushError() error {
	if p.status != 0 {
		return nil
	}
	return http.NewResponseController(p.ResponseWriter).Flush()
}

package web

import (
	"io"
	"net/http"
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

func (r *recorder) status() int {
	if r.code == 0 {
		return http.StatusOK // what net/http sends for a handler that wrote nothing
	}
	return r.code
}

// discarded takes an answer that nobody is to see.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }
func (d *discarded) WriteHeader(status int)      { d.status = status }

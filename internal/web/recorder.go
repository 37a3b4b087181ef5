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

// routerAnswer passes on what handlers answer, and holds back what the router itself refuses with, which is plain text.
// The router writes the pattern of the handler into the request before it calls it, and leaves it empty otherwise.
type routerAnswer struct {
	http.ResponseWriter
	r       *http.Request
	refused int // the router's own status, 0 if a handler answers
}

// Unwrap lets http.ResponseController reach the connection.
func (a *routerAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *routerAnswer) WriteHeader(status int) {
	if a.r.Pattern == "" && status >= http.StatusBadRequest {
		a.refused = status
		return
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *routerAnswer) Write(b []byte) (int, error) {
	if a.refused != 0 {
		return len(b), nil
	}
	return a.ResponseWriter.Write(b)
}

// ReadFrom lets files go to the connection without passing through the program.
func (a *routerAnswer) ReadFrom(src io.Reader) (int64, error) {
	return io.Copy(a.ResponseWriter, src)
}

package api

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"risingstars/internal/web/drain"
	"risingstars/internal/web/limit"
)

const idleBody = 30 * time.Second // how long an upload may pause

// uploadMux wraps the handler of the upload with drain and uploadBody. It registers all other routes unchanged.
type uploadMux struct {
	*http.ServeMux
	limit int64 // bytes of a video file
	rate  int64 // minimum rate in bytes per second; 0 for none
}

// HandleFunc implements humago.Mux.
func (m uploadMux) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	if _, path, _ := strings.Cut(pattern, " "); path == UploadPath {
		handler = drain.Handler(m.withUploadBody(handler), drain.UploadLimits(m.limit)).ServeHTTP
	}
	m.ServeMux.HandleFunc(pattern, handler)
}

// withUploadBody bounds the size of the body that next reads, its rate, and each pause.
func (m uploadMux) withUploadBody(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := &uploadBody{control: http.NewResponseController(w), left: m.limit + framing}
		body.ReadCloser = limit.NewPacedBody(r.Body, m.rate, time.Now)
		body.buffered = bufio.NewReaderSize(readerFunc(body.fromConnection), chunkSize)
		r.Body = body
		next(w, r)
	}
}

// uploadBody reads an upload in large pieces, sets a read deadline for each piece, and limits the total size.
type uploadBody struct {
	io.ReadCloser
	control  *http.ResponseController
	buffered *bufio.Reader
	left     int64 // bytes that the rest of the body may have
}

func (b *uploadBody) Read(p []byte) (int, error) { return b.buffered.Read(p) }

func (b *uploadBody) fromConnection(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, &http.MaxBytesError{}
	}
	_ = b.control.SetReadDeadline(time.Now().Add(idleBody))
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if errors.Is(err, io.EOF) {
		// Checking the file may take longer than the deadline, which would cancel the request's context.
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err //nolint:wrapcheck // passes on what readers must see as it is
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

package api

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"risingstars/internal/web/limit"
)

const (
	idleBody     = 30 * time.Second // how long an upload may pause
	swallowTime  = 20 * time.Second // how long what a refused client still sends is read and thrown away
	swallowExtra = 64 << 20         // bytes that are thrown away beyond the largest upload
)

// uploadMux gives the upload its own way of reading bodies and answering; other routes it takes as they are.
type uploadMux struct {
	*http.ServeMux
	limit int64 // bytes of a video file
	rate  int64 // bytes a second that it must bring, 0 for any
}

// HandleFunc implements humago.Mux.
func (m uploadMux) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	if _, path, _ := strings.Cut(pattern, " "); path == UploadPath {
		handler = answerWhileSending(handler, m.limit, m.rate)
	}
	m.ServeMux.HandleFunc(pattern, handler)
}

// answerWhileSending lets a handler refuse a body that it has not read, so that the client gets to read the answer.
// Most clients write their whole request before they read, and lose the answer if the connection is closed on them.
// So the answer goes out at once and whole, and the rest of the body is drained, up to a number of bytes and a time.
func answerWhileSending(next http.HandlerFunc, most, rate int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.EnableFullDuplex() // HTTP/2 has it anyway
		body := &patientBody{control: control, left: most + framing}
		body.ReadCloser = limit.NewPaced(r.Body, rate, time.Now)
		body.buffered = bufio.NewReaderSize(readerFunc(body.fromConnection), chunkSize)
		r.Body = body
		answer := &heldAnswer{ResponseWriter: w}
		next(answer, r)
		answer.send(control, body.done)
		if !body.done {
			body.swallow(r, most+swallowExtra)
		}
		_ = control.SetReadDeadline(time.Time{})
	}
}

// patientBody reads an upload in large pieces, gives each piece its own deadline, and counts.
type patientBody struct {
	io.ReadCloser
	control  *http.ResponseController
	buffered *bufio.Reader
	left     int64 // bytes that the whole body may still have
	begun    bool
	done     bool // the body was read to its end
}

func (b *patientBody) Read(p []byte) (int, error) { return b.buffered.Read(p) }

func (b *patientBody) fromConnection(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, &http.MaxBytesError{}
	}
	b.begun = true
	_ = b.control.SetReadDeadline(time.Now().Add(idleBody))
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if errors.Is(err, io.EOF) {
		b.done = true
		_ = b.control.SetReadDeadline(time.Time{}) // judging may take longer, and the request must not end meanwhile
	}
	return n, err //nolint:wrapcheck // passes on what readers must see as it is
}

// swallow reads on without looking. A client that waits to be asked for its body (Expect: 100-continue) is not asked.
func (b *patientBody) swallow(r *http.Request, most int64) {
	if !b.begun && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		return
	}
	_ = b.control.SetReadDeadline(time.Now().Add(swallowTime))
	_, _ = io.CopyN(io.Discard, b.ReadCloser, most) // whatever ends it, the connection closes next
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// heldAnswer keeps an answer until it is whole, so that it can go out in one piece with its length.
type heldAnswer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (h *heldAnswer) WriteHeader(status int)      { h.status = status }
func (h *heldAnswer) Write(p []byte) (int, error) { return h.body.Write(p) }

func (h *heldAnswer) send(control *http.ResponseController, bodyDone bool) {
	header := h.ResponseWriter.Header()
	header.Set("Content-Length", strconv.Itoa(h.body.Len()))
	if !bodyDone {
		header.Set("Connection", "close")
	}
	if h.status == 0 {
		h.status = http.StatusOK
	}
	h.ResponseWriter.WriteHeader(h.status)
	_, _ = h.ResponseWriter.Write(h.body.Bytes()) // a client that has gone cannot be told
	_ = control.Flush()
}

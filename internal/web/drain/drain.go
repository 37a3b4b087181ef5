// Package drain lets a handler answer before the request's body has arrived, so that the client can read the answer.
//
// Most HTTP clients write the whole request before they read. If the server answers early and closes the connection
// while the client still writes, the client's kernel discards the answer and reports a broken pipe or a reset, and
// nginx turns it into a 502. So this package sends the whole answer at once, with its length, then drains the
// connection: it reads and discards the rest of the body, up to a number of bytes and a time. Then the connection is
// closed.
package drain

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	extraBytes = 64 << 20
	maxTime    = 20 * time.Second
)

// Limits bound the drain after an answer.
type Limits struct {
	Bytes int64
	Time  time.Duration
}

// UploadLimits are the limits for a route that takes files of up to maxUpload bytes. A body with a file of maxUpload
// bytes, or slightly more, is drained completely if it arrives within maxTime.
func UploadLimits(maxUpload int64) Limits {
	return Limits{Bytes: maxUpload + extraBytes, Time: maxTime}
}

// Handler lets next answer before it has read the request's body. It buffers the answer in memory until next returns,
// so the answer must be small. The drain replaces a read deadline that next has set.
func Handler(next http.Handler, limits Limits) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		// Without full duplex, net/http reads the body before it writes the answer. HTTP/2 is always full duplex.
		_ = control.EnableFullDuplex()
		body := &trackedBody{ReadCloser: r.Body}
		body.ended.Store(r.Body == nil || r.Body == http.NoBody)
		request := *r
		if !body.ended.Load() {
			request.Body = body
		}
		answer := &heldAnswer{ResponseWriter: w, head: r.Method == http.MethodHead}

		next.ServeHTTP(answer, &request)

		arrived := body.ended.Load()
		if !arrived {
			w.Header().Set("Connection", "close")
		}
		answer.send(control)
		if arrived || !body.begun.Load() && expectsContinue(r) {
			return // the client waits for 100 Continue, which it never gets, so it sends no body
		}
		_ = control.SetReadDeadline(time.Now().Add(limits.Time))
		_, _ = io.CopyN(io.Discard, body.ReadCloser, limits.Bytes) // the connection is closed next, whatever ended the copy
	})
}

func expectsContinue(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Expect"), "100-continue")
}

// trackedBody records whether reading a request's body has begun and has reached the end.
type trackedBody struct {
	io.ReadCloser
	begun, ended, closed atomic.Bool
}

// Read implements io.Reader.
func (b *trackedBody) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	b.begun.Store(true)
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.ended.Store(true)
	}
	return n, err //nolint:wrapcheck // passes on what readers must see as it is
}

// Close implements io.Closer. It only makes further reads of the handler fail. The drain reads the rest, and then
// net/http closes the body.
func (b *trackedBody) Close() error {
	b.closed.Store(true)
	return nil
}

// heldAnswer buffers an answer until it is complete, so that it can be sent with its Content-Length.
type heldAnswer struct {
	http.ResponseWriter
	head   bool // the request's method is HEAD
	status int
	body   bytes.Buffer
}

// Unwrap lets http.ResponseController reach the connection's deadlines.
func (h *heldAnswer) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// FlushError implements what http.ResponseController calls. A buffered answer cannot be flushed.
func (h *heldAnswer) FlushError() error { return http.ErrNotSupported }

// WriteHeader implements http.ResponseWriter. It sends informational answers (1xx) at once.
func (h *heldAnswer) WriteHeader(status int) {
	switch {
	case status < http.StatusOK:
		h.ResponseWriter.WriteHeader(status)
	case h.status == 0:
		h.status = status
	}
}

// Write implements io.Writer.
func (h *heldAnswer) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(p)
}

// send sends the buffered answer with its Content-Length and flushes it.
func (h *heldAnswer) send(control *http.ResponseController) {
	h.WriteHeader(http.StatusOK)
	bodyless := h.head || h.status == http.StatusNoContent || h.status == http.StatusNotModified
	if header := h.Header(); !bodyless {
		header.Set("Content-Length", strconv.Itoa(h.body.Len()))
	}
	h.ResponseWriter.WriteHeader(h.status)
	_, _ = h.ResponseWriter.Write(h.body.Bytes()) // a client that has disconnected cannot be told
	_ = control.Flush()
}

package site

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// stream sends parts of pages as server-sent events (WHATWG HTML, section 9.2).
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s *Site) openStream(w http.ResponseWriter) *stream {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // makes nginx pass each event on without buffering
	w.WriteHeader(http.StatusOK)
	return &stream{w, http.NewResponseController(w)}
}

// send sends one event. Each line of data becomes a data field.
func (s *stream) send(event, data string) error {
	return s.write("event: " + event + "\ndata: " + strings.ReplaceAll(data, "\n", "\ndata: ") + "\n\n")
}

func (s *stream) comment() error { return s.write(": still here\n\n") }

func (s *stream) write(text string) error {
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("send an event: %w", err)
	}
	return s.control.Flush()
}

// fragment renders one part of a page. A test executes all templates, so an error is a bug and panics.
func (s *Site) fragment(page, part string, view any) string {
	var b bytes.Buffer
	if err := s.execute(&b, page, part, view); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

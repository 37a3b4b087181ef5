package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"risingstars/internal/testserver"
)

// served is a running Serve on a free port.
type served struct {
	url  string
	stop context.CancelFunc
	done chan error
	log  bytes.Buffer
}

func serve(t *testing.T, h http.HandlerFunc, grace time.Duration, stopping func()) *served {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	ctx, stop := context.WithCancel(t.Context())
	s := &served{url: "http://" + l.Addr().String(), stop: stop, done: make(chan error, 1)}
	go func() { // ends by stop
		s.done <- Serve(ctx, l, h, slog.New(slog.NewTextHandler(&s.log, nil)), grace, stopping)
	}()
	t.Cleanup(stop)
	return s
}

// get sends a request in the background and delivers the body, or the error.
func (s *served) get(t *testing.T) <-chan string {
	t.Helper()
	answer := make(chan string, 1)
	go func() {
		r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, s.url, nil)
		if err != nil {
			answer <- err.Error()
			return
		}
		response, err := (&http.Client{Transport: &http.Transport{}}).Do(r)
		if err != nil {
			answer <- "no answer"
			return
		}
		body, err := io.ReadAll(response.Body)
		if err = errors.Join(err, response.Body.Close()); err != nil {
			answer <- "cut off"
			return
		}
		answer <- string(body)
	}()
	return answer
}

func TestServeFinishesRequestsBeforeItEnds(t *testing.T) {
	t.Parallel()
	begun, stopping := make(chan bool), make(chan bool)
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-stopping // tells streams to end
		_, _ = io.WriteString(w, "whole")
	}, time.Minute, func() { close(stopping) })
	answer := s.get(t)
	testserver.Within(t, "the request", begun)

	s.stop()

	if got := testserver.Within(t, "the answer", answer); got != "whole" {
		t.Errorf("got %q", got)
	}
	if err := testserver.Within(t, "the end", s.done); err != nil {
		t.Errorf("got %v", err)
	}
	if s.log.Len() > 0 {
		t.Errorf("log: %s", &s.log)
	}
	if got := testserver.Within(t, "another answer", s.get(t)); got != "no answer" {
		t.Errorf("after the end: got %q", got)
	}
}

func TestServeCutsOffWhatOutlastsTheGraceTime(t *testing.T) {
	t.Parallel()
	begun, never := make(chan bool), make(chan bool)
	s := serve(t, func(_ http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-never
	}, time.Millisecond, func() {})
	t.Cleanup(func() { close(never) })
	answer := s.get(t)
	testserver.Within(t, "the request", begun)

	s.stop()

	if got := testserver.Within(t, "the answer", answer); got != "no answer" {
		t.Errorf("got %q", got)
	}
	if err := testserver.Within(t, "the end", s.done); err != nil {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(s.log.String(), "cut off") {
		t.Errorf("log: %q", &s.log)
	}
}

func TestServeReturnsWhyItCannot(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	check(t, l.Close())
	if err := Serve(t.Context(), l, nil, slog.New(slog.DiscardHandler), time.Second, func() {}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want %v", err, net.ErrClosed)
	}
}

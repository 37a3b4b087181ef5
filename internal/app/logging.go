package app

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"risingstars/internal/config"
)

// newLogger returns a logger as configured. Lines below warning may stay in a buffer until it is full, for at most
// logDelay, or until flush: without the buffer, a log line per request would cost as much as the request.
func newLogger(s *config.Settings, w io.Writer) (log *slog.Logger, flush func()) {
	out := &logWriter{buffer: bufio.NewWriterSize(w, logBuffer)}
	options := &slog.HandlerOptions{Level: s.LogLevel}
	var handler slog.Handler = slog.NewTextHandler(out, options)
	if s.LogFormat == "json" {
		handler = slog.NewJSONHandler(out, options)
	}
	return slog.New(urgent{handler, out}), out.flush
}

const (
	logBuffer = 64 << 10 // bytes
	logDelay  = 100 * time.Millisecond
)

// logWriter buffers log lines for at most logDelay.
type logWriter struct {
	mu      sync.Mutex
	buffer  *bufio.Writer
	waiting bool // a flush is scheduled
}

func (l *logWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.waiting {
		l.waiting = true
		time.AfterFunc(logDelay, l.flush)
	}
	return l.buffer.Write(line) //nolint:wrapcheck // there is no other place to report it
}

func (l *logWriter) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = false
	_ = l.buffer.Flush() // there is no other place to report it
}

// urgent flushes the buffer after each warning and error.
type urgent struct {
	slog.Handler
	out *logWriter
}

// Handle implements slog.Handler.
func (u urgent) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		u.out.flush()
	}
	return err
}

// WithAttrs implements slog.Handler.
func (u urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgent{u.Handler.WithAttrs(attrs), u.out}
}

// WithGroup implements slog.Handler.
func (u urgent) WithGroup(name string) slog.Handler { return urgent{u.Handler.WithGroup(name), u.out} }

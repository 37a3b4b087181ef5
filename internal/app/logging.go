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

// newLogger logs as the settings say. Lines below a warning may wait a moment in memory, until there are more of them
// or flush is called: a line for every request would otherwise cost as much as the request.
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

// logWriter gathers lines for a moment.
type logWriter struct {
	mu      sync.Mutex
	buffer  *bufio.Writer
	waiting bool // a flush is on its way
}

func (l *logWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.waiting {
		l.waiting = true
		time.AfterFunc(logDelay, l.flush)
	}
	return l.buffer.Write(line) //nolint:wrapcheck // nobody can be told that logging fails
}

func (l *logWriter) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = false
	_ = l.buffer.Flush() // nobody can be told that logging fails
}

// urgent writes warnings and errors at once.
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

// Package web is the HTTP server around the platform's routes: what every request passes through, and how serving
// begins and ends.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of every connection. Bodies have theirs where they are read: uploads take long, other bodies do not.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10 // bytes
)

// Serve answers requests on the listener until ctx ends. The shutdown is graceful: it stops accepting and gives the requests
// that are under way the grace time to finish. Requests that cannot end by themselves, such as streams of events, end when stopping
// is closed, which happens first.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger, grace time.Duration, stopping func()) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(stopping)
	served := make(chan error, 1)
	go func() { served <- server.Serve(wording{l}) }() // ends with Shutdown or Close below

	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := server.Shutdown(limited)
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("requests were still under way after the grace time and were cut off")
		err = server.Close()
	}
	if served := <-served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

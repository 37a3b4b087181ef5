// Package web is the HTTP server: the middleware that every request passes through, the liveness and readiness
// probes, the request metrics, and the start and graceful shutdown of serving.
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

// Limits of every connection. Bodies have no common time limit: each handler that reads a body sets its own, because
// an upload takes minutes and a JSON body does not.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10 // bytes of the request line and all headers
)

// Serve answers requests on the listener until ctx ends, then shuts down gracefully: it stops accepting connections
// and lets running requests finish within the grace time. At the start of the shutdown it calls stopping, so that
// requests that never end by themselves, such as event streams, can end. Requests that outlast the grace time are cut
// off. Serve returns nil after a graceful shutdown, and an error if serving fails or the forced close fails.
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
	go func() { served <- server.Serve(wording{l}) }() // ends by Shutdown or Close below

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

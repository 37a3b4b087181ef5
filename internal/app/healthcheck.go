package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// healthcheckTime is the timeout of the whole check.
const healthcheckTime = 4 * time.Second

type healthcheck struct {
	Metrics bool `help:"Ask the listener of METRICS_ADDR instead, which workers have too."`
}

// ask sends a GET request to the server at an address of this machine. The caller closes the answer's body.
func ask(ctx context.Context, addr, path string) (*http.Response, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("nowhere to ask: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	client := &http.Client{Timeout: healthcheckTime}
	answer, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("it does not answer: %w", err)
	}
	return answer, nil
}

// Run succeeds if the program with the same settings on this machine answers with 200.
func (h healthcheck) Run(r *runner) error {
	addr, path := r.settings.ListenAddr, "/readyz"
	if h.Metrics {
		addr, path = r.settings.MetricsAddr, "/metrics"
	}
	answer, err := ask(r.ctx, addr, path)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // only the status matters
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("it is not ready: %s", answer.Status)
	}
	return nil
}

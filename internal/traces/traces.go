// Package traces exports OpenTelemetry traces to a collector. Other packages use only OpenTelemetry's interfaces.
package traces

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// Spans that are not exported within these limits are lost: an unavailable collector must not affect the platform.
const (
	sendEvery = time.Second
	sendTime  = 5 * time.Second // per batch
	closeTime = 2 * time.Second // for the remaining spans at shutdown
	mostKept  = 4096            // spans in the queue
)

// Options configure the export.
type Options struct {
	URL     string // of a collector with OTLP over HTTP; without a path, /v1/traces
	Percent int    // of the traces that begin in this process
	Command string // the program's subcommand
	Version string
	Log     *slog.Logger
}

// OpenProvider prepares the export of traces. The collector need not be reachable. closeAll exports the remaining
// spans, for at most two seconds.
func OpenProvider(ctx context.Context, o Options) (provider *trace.TracerProvider, closeAll func() error, err error) {
	to, err := url.Parse(o.URL)
	if err != nil {
		return nil, nil, errors.New("TRACES_URL: is no URL") // err would quote the URL
	}
	if strings.Trim(to.Path, "/") == "" {
		to.Path = "/v1/traces"
	}
	options := []otlptracehttp.Option{
		otlptracehttp.WithTimeout(sendTime), otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}),
		otlptracehttp.WithHeaders(authorizationHeader(to.User)),
	}
	to.User = nil
	exporter, err := otlptracehttp.New(ctx, append(options, otlptracehttp.WithEndpointURL(to.String()))...)
	if err != nil {
		return nil, nil, fmt.Errorf("prepare to send traces: %w", err)
	}
	provider = trace.NewTracerProvider(
		trace.WithBatcher(&quietExporter{SpanExporter: exporter, log: o.Log},
			trace.WithBatchTimeout(sendEvery), trace.WithExportTimeout(sendTime), trace.WithMaxQueueSize(mostKept)),
		trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(float64(o.Percent)/100))),
		trace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "risingstars"), attribute.String("service.version", o.Version),
			attribute.String("risingstars.command", o.Command),
		)),
	)
	return provider, func() error {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		_ = provider.Shutdown(limited) // quietExporter has logged the loss of spans
		return nil
	}, nil
}

// authorizationHeader returns the header for a URL's user and password, or nil if it has none.
func authorizationHeader(user *url.Userinfo) map[string]string {
	if user == nil {
		return nil
	}
	password, _ := user.Password()
	return map[string]string{
		"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)),
	}
}

// quietExporter logs once when spans are lost and once when they are accepted again. It hides the errors from the
// SDK, which would log a line per batch.
type quietExporter struct {
	trace.SpanExporter

	log  *slog.Logger
	down atomic.Bool
}

// ExportSpans implements trace.SpanExporter.
func (c *quietExporter) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	err := c.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil && c.down.CompareAndSwap(false, true):
		c.log.Warn("traces are lost: the collector does not take them", "error", err)
	case err == nil && c.down.CompareAndSwap(true, false):
		c.log.Info("the collector takes traces again")
	}
	return nil
}

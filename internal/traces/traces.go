// Package traces sends what the program does, as traces of OpenTelemetry, to a collector. Who makes spans knows only
// OpenTelemetry's own interfaces.
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

// What is not taken by then is lost: a collector that is away costs its traces and nothing else.
const (
	sendEvery = time.Second
	sendTime  = 5 * time.Second // for one batch
	closeTime = 2 * time.Second // for what is left at the end
	mostKept  = 4096            // spans that wait to be sent
)

// Options say what is sent where.
type Options struct {
	URL     string // of a collector of OTLP over HTTP; without a path, /v1/traces
	Percent int    // of the traces that begin here
	Command string // of the program
	Version string
	Log     *slog.Logger
}

// OpenProvider prepares to send traces. The collector need not be there. close sends what is left, for at most two seconds.
func OpenProvider(ctx context.Context, o Options) (provider *trace.TracerProvider, closeAll func() error, err error) {
	to, err := url.Parse(o.URL)
	if err != nil {
		return nil, nil, errors.New("TRACES_URL: is no URL") // err has it in its text
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
		_ = provider.Shutdown(limited) // what was not sent by now is lost, as calm has said
		return nil
	}, nil
}

// authorizationHeader is the header that goes with a URL's user and password, if it has them.
func authorizationHeader(user *url.Userinfo) map[string]string {
	if user == nil {
		return nil
	}
	password, _ := user.Password()
	return map[string]string{
		"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)),
	}
}

// quietExporter says once that spans are lost, and once that they are taken again, and never that it has failed: the library would
// write its own line about each batch.
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

package web

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// begin starts the span of a request as the root of a new trace. It ignores trace headers of the client, because the
// client could have all of its requests sampled. It starts no span without a tracer, nor for probes and metrics.
func begin(tracer trace.Tracer, r *http.Request) (context.Context, trace.Span) {
	if tracer == nil || r.URL.Path == "/healthz" || r.URL.Path == "/readyz" || r.URL.Path == "/metrics" {
		return r.Context(), trace.SpanFromContext(r.Context())
	}
	return tracer.Start(r.Context(), "request", trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindServer))
}

// end sets what is known at the end of a request: the method, the route, the status and the request id. It records
// neither the path nor anything about the client.
func end(span trace.Span, r *http.Request, id string, status int) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	route, method := routeOf(r), knownMethod(r.Method)
	span.SetName(method + " " + route)
	span.SetAttributes(
		attribute.String("http.request.method", method), attribute.String("http.route", route),
		attribute.Int("http.response.status_code", status), attribute.String("request.id", id),
	)
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
}

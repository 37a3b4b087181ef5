package web

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// begin starts a request's span, which begins a trace: what a client says of traces is not believed, since it could
// have all of its requests traced. Without a tracer there is none, nor for what only looks whether the program is there.
func begin(tracer trace.Tracer, r *http.Request) (context.Context, trace.Span) {
	if tracer == nil || r.URL.Path == "/healthz" || r.URL.Path == "/readyz" || r.URL.Path == "/metrics" {
		return r.Context(), trace.SpanFromContext(r.Context())
	}
	return tracer.Start(r.Context(), "request", trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindServer))
}

// end says what is known of the request by then: its route and not its path, and nothing of who sent it.
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

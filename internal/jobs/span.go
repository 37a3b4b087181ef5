package jobs

import (
	"context"
	"encoding/json"

	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traceOf returns the trace context of ctx as JSON for a job's metadata, or nil without a trace.
func traceOf(ctx context.Context) []byte {
	parent := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, parent)
	if len(parent) == 0 {
		return nil
	}
	text, err := json.Marshal(parent)
	if err != nil {
		panic(err) // cannot fail for strings
	}
	return text
}

// inTraceOf returns a context that continues the trace in which the job was enqueued, if there was one.
func inTraceOf(ctx context.Context, job *rivertype.JobRow) context.Context {
	var kept struct {
		Parent string `json:"traceparent"`
	}
	if json.Unmarshal(job.Metadata, &kept) != nil {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": kept.Parent})
}

// spanned runs do within a span, or without one if tracer is nil. The span gets no error text, because error texts
// are only for the log.
func spanned(ctx context.Context, tracer trace.Tracer, name string, do func(context.Context) error, about ...attribute.KeyValue) error {
	if tracer == nil {
		return do(ctx)
	}
	ctx, span := tracer.Start(ctx, name, trace.WithAttributes(about...))
	defer span.End()
	err := do(ctx)
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	return err
}

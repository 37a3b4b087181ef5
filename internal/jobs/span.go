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

// traceOf is what a job keeps of the trace that it is entered in, as JSON; nil for none.
func traceOf(ctx context.Context) []byte {
	parent := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, parent)
	if len(parent) == 0 {
		return nil
	}
	text, err := json.Marshal(parent)
	if err != nil {
		panic(err) // strings only
	}
	return text
}

// inTraceOf goes on with the trace in which a job was entered, if it was in one.
func inTraceOf(ctx context.Context, job *rivertype.JobRow) context.Context {
	var kept struct {
		Parent string `json:"traceparent"`
	}
	if json.Unmarshal(job.Metadata, &kept) != nil {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": kept.Parent})
}

// spanned does something within a span, or without one where there is no tracer. Errors are not told there: their texts are for the log.
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

package problem

import (
	"context"
	"net/http"
)

// Page shows a problem as an HTML page. It returns false if it wrote nothing; the caller then answers with JSON.
type Page func(w http.ResponseWriter, r *http.Request, p *Problem) bool

// Scope is the state of one request that the middleware logs: its id, the client, and the cause of a failure.
type Scope struct {
	ID     string
	Client string // the client's address
	Cause  error  // of a 500, 503 or 507, for the log
	Page   Page   // shows problems to browsers; nil for JSON only
}

type scopeKey struct{}

// WithScope returns a context that carries the scope.
func WithScope(ctx context.Context, scope *Scope) context.Context {
	return context.WithValue(ctx, scopeKey{}, scope)
}

// ScopeFromContext is the scope that the context carries, or nil.
func ScopeFromContext(ctx context.Context) *Scope {
	scope, _ := ctx.Value(scopeKey{}).(*Scope)
	return scope
}

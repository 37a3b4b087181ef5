package problem

import (
	"context"
	"net/http"
)

// Page shows a problem to a person. It reports whether it has answered; if not, nothing was written.
type Page func(w http.ResponseWriter, r *http.Request, p *Problem) bool

// Scope is what belongs to one request: the id under which it stands in the log, who
// asked, and what made it fail.
type Scope struct {
	ID     string
	Client string // the address that asked
	Cause  error  // of a 500
	Page   Page   // how problems are shown to browsers; nil for as JSON only
}

type scopeKey struct{}

// WithScope gives a request's context its scope.
func WithScope(ctx context.Context, scope *Scope) context.Context {
	return context.WithValue(ctx, scopeKey{}, scope)
}

// ScopeFromContext is the scope of a request's context, or nil where there is none.
func ScopeFromContext(ctx context.Context) *Scope {
	scope, _ := ctx.Value(scopeKey{}).(*Scope)
	return scope
}

package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"risingstars/internal/web/lang"
	"risingstars/internal/web/problem"
)

// RequestIDHeader carries the id of a request, which is also in its log line. A proxy in front may set it.
const RequestIDHeader = "X-Request-Id"

// Options configure the middleware of Handler.
type Options struct {
	Log          *slog.Logger
	Metrics      *Metrics
	Page         problem.Page   // shows problems to browsers; nil for none
	Proxies      []netip.Prefix // proxies whose X-Forwarded headers are believed
	Tracer       trace.Tracer   // nil for no traces
	MediaOrigins []string       // origins besides this server from which pages may load images and media
	CORSOrigins  []string       // origins whose scripts may use the API
	OnlyPost     []string       // paths that take only POST, although patterns of other routes match them
}

// Handler wraps the routes in the middleware that every request passes through. From the outside in: a fresh context
// if the connection's has ended, the trusted proxies' headers, request id, log line, span and metrics, recovery from
// panics, security headers, CORS, the check of the Host header, the removal of trailing slashes, and the router,
// whose own errors become problems.
func Handler(routes *http.ServeMux, o Options) http.Handler {
	handler := secured(crossOrigin(o.CORSOrigins, hosted(slashless(routed(routes, o.OnlyPost)))), o.MediaOrigins)
	return unspoilt(forwarded(o.Proxies, logged(o, safe(handler))))
}

// unspoilt serves a request whose context ended before the request arrived. If a read deadline passes while no
// handler reads, net/http cancels the context of the connection, and so the context of every later request on it.
// Behind a proxy those requests can be other clients'. unspoilt serves such a request with a context that does not
// end, and closes the connection after it.
func unspoilt(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Err() != nil {
			w.Header().Set("Connection", "close")
			r = r.WithContext(context.WithoutCancel(r.Context()))
		}
		next.ServeHTTP(w, r)
	})
}

// logged gives the request its id and its span, and writes one log line when the request ends. The line has the path
// without the query, because links to media carry their signatures in the query.
func logged(o Options, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		scope := &problem.Scope{ID: requestID(r), Client: clientHost(r), Page: o.Page}
		ctx, span := begin(o.Tracer, r)
		r = r.WithContext(problem.WithScope(ctx, scope)) // the router writes its pattern into this request
		w.Header().Set(RequestIDHeader, scope.ID)
		rec := &recorder{ResponseWriter: w}
		o.Metrics.inFlight.Inc()
		defer func() {
			o.Metrics.inFlight.Dec()
			took := time.Since(began)
			end(span, r, scope.ID, rec.status())
			o.Metrics.observe(r, rec.status(), took)
			attrs := []slog.Attr{
				slog.String("request_id", scope.ID), slog.String("method", r.Method), slog.String("path", r.URL.Path),
				slog.Int("status", rec.status()), slog.Int64("bytes", rec.bytes), slog.Duration("took", took),
				slog.String("client", scope.Client),
			}
			if c := span.SpanContext(); c.IsSampled() {
				attrs = append(attrs, slog.String("trace_id", c.TraceID().String()))
			}
			level := slog.LevelInfo
			if scope.Cause != nil {
				level = slog.LevelError
				attrs = append(attrs, slog.Any("error", scope.Cause))
			}
			o.Log.LogAttrs(r.Context(), level, "request", attrs...)
		}()
		next.ServeHTTP(rec, r)
	})
}

// requestID returns the id that a proxy set, if it has 8 to 64 letters, digits, "-" or "_". Otherwise it makes a
// random id of 64 bits.
func requestID(r *http.Request) string {
	if id := r.Header.Get(RequestIDHeader); len(id) >= 8 && len(id) <= 64 && !strings.ContainsFunc(id, notInID) {
		return id
	}
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func notInID(r rune) bool {
	return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_')
}

// safe recovers from a panic in a handler. It answers with 500 if no header was sent yet. Otherwise it aborts the
// connection, so that the client sees that the answer is incomplete.
func safe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			panicked := recover()
			if panicked == nil {
				return
			}
			if panicked == http.ErrAbortHandler { //nolint:errorlint // panics with this very value
				panic(panicked)
			}
			err := fmt.Errorf("panic: %v\n%s", panicked, debug.Stack())
			if rec, ok := w.(*recorder); ok && rec.code != 0 {
				problem.ScopeFromContext(r.Context()).Cause = err
				panic(http.ErrAbortHandler)
			}
			problem.WriteProblem(w, r, err)
		}()
		next.ServeHTTP(w, r)
	})
}

// contentSecurityPolicy lets pages load scripts, styles and forms from this server only, and images and media also
// from the given origins.
func contentSecurityPolicy(media []string) string {
	from := strings.Join(append([]string{"'self'"}, media...), " ")
	return "default-src 'self'; img-src " + from + " data:; media-src " + from + "; object-src 'none'; base-uri 'none'; " +
		"form-action 'self'; frame-ancestors 'none'"
}

// secured sets the security headers on every answer, and Strict-Transport-Security over TLS.
func secured(next http.Handler, media []string) http.Handler {
	// The keys are canonical and all answers share the value slices, so setting them allocates nothing per request.
	securityHeaders := http.Header{
		"Content-Security-Policy": {contentSecurityPolicy(media)},
		"X-Content-Type-Options":  {"nosniff"},
		"Referrer-Policy":         {"same-origin"},
		"X-Frame-Options":         {"DENY"}, // for browsers that do not know frame-ancestors
		"Permissions-Policy":      {"camera=(), microphone=(), geolocation=(), payment=(), usb=()"},
	}
	overTLS := []string{"max-age=31536000"} // a year
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), securityHeaders)
		if r.URL.Scheme == "https" {
			w.Header()["Strict-Transport-Security"] = overTLS
		}
		next.ServeHTTP(w, r)
	})
}

// slashless serves a path with trailing slashes like the path without them. An escaped slash (%2F) is part of a name
// and stays.
func slashless(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.Path) > 1 && strings.HasSuffix(r.URL.Path, "/") {
			short := cmp.Or(strings.TrimRight(r.URL.EscapedPath(), "/"), "/")
			if path, err := url.PathUnescape(short); err == nil {
				r.URL.Path, r.URL.RawPath = path, short
			}
		}
		next.ServeHTTP(w, r)
	})
}

// routed calls the router and turns plain-text errors into problems: the router's own 404 and 405, and errors of the
// standard library's file server such as 416.
//
// At the paths of onlyPost it answers every other method with 405 and Allow: POST, without asking the mux. Patterns
// of other routes, such as one with an id, also match these paths, so the mux would list their methods in Allow. The
// mux accepts no methodless pattern for the path, because it would conflict with the pattern with the id and a
// method.
func routed(routes *http.ServeMux, onlyPost []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost && slices.Contains(onlyPost, r.URL.Path) {
			tag := lang.PreferredLanguage(r.Header.Get("Accept-Language"))
			problem.WriteProblem(w, r, problem.ProblemForStatus(http.StatusMethodNotAllowed, http.MethodPost, tag))
			return
		}
		own := &plainErrors{ResponseWriter: w, r: r}
		routes.ServeHTTP(own, r)
		switch {
		case own.status >= http.StatusInternalServerError:
			problem.WriteProblem(w, r, fmt.Errorf("answered with %d: %s", own.status, own.text))
		case own.status != 0:
			tag := lang.PreferredLanguage(r.Header.Get("Accept-Language"))
			problem.WriteProblem(w, r, problem.ProblemForStatus(own.status, w.Header().Get("Allow"), tag))
		}
	})
}

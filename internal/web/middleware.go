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

// RequestIDHeader carries the id under which a request stands in the log. A proxy in front may give it.
const RequestIDHeader = "X-Request-Id"

// Options are what the routes are wrapped with.
type Options struct {
	Log          *slog.Logger
	Metrics      *Metrics
	Page         problem.Page   // shows problems to browsers; nil for none
	Proxies      []netip.Prefix // what they say of a request is believed
	Tracer       trace.Tracer   // nil for no traces
	MediaOrigins []string       // from which pages may show media, besides this server
	CORSOrigins  []string       // whose scripts may use the API
	OnlyPost     []string       // paths that take POST only, though patterns of other calls match them
}

// Handler wraps the routes in the middleware that every request passes through, from the outside in: an id and a line in the log,
// metrics, a net under panics, security headers, one form for paths with and without a trailing slash, and the
// router's own errors as problems. Before all that, what the trusted proxies say of the request becomes part of it.
func Handler(routes *http.ServeMux, o Options) http.Handler {
	handler := secured(crossOrigin(o.CORSOrigins, hosted(slashless(routed(routes, o.OnlyPost)))), o.MediaOrigins)
	return unspoilt(forwarded(o.Proxies, logged(o, safe(handler))))
}

// unspoilt serves a request whose context had ended before it came. A read deadline that passes while nobody reads ends the
// context of the connection, and so of every later request on it, which may be other people's where a proxy is in front.
// Such a request is served as if nothing were, and is the last on its connection.
func unspoilt(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Err() != nil {
			w.Header().Set("Connection", "close")
			r = r.WithContext(context.WithoutCancel(r.Context()))
		}
		next.ServeHTTP(w, r)
	})
}

// logged gives the request its id and its span, and writes one line about it when it is over. The line has the path without its
// query, since links to media carry their signatures there.
func logged(o Options, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		scope := &problem.Scope{ID: requestID(r), Client: clientHost(r), Page: o.Page}
		ctx, span := begin(o.Tracer, r)
		r = r.WithContext(problem.WithScope(ctx, scope)) // the router will write its pattern into this one
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

// requestID takes the id that a proxy gave, if it is one, or makes one.
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

// safe turns a panic into a 500 where nothing was sent yet, and ends the connection where something was.
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

// contentSecurityPolicy lets pages use what comes from this server, media also from the origins, and nothing else.
func contentSecurityPolicy(media []string) string {
	from := strings.Join(append([]string{"'self'"}, media...), " ")
	return "default-src 'self'; img-src " + from + " data:; media-src " + from + "; object-src 'none'; base-uri 'none'; " +
		"form-action 'self'; frame-ancestors 'none'"
}

func secured(next http.Handler, media []string) http.Handler {
	// In canonical form and shared by all answers, so that setting them costs nothing.
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

// slashless makes a path with a trailing slash the same as without. An escaped slash is part of a name, and stays.
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

// routed lets the router choose, and gives the form of all problems to the errors that are none: the router's own 404
// and 405, and what the standard library answers for a file, such as 416.
//
// At the paths of onlyPost, which patterns of other calls match as well, the router is asked for POST only. net/http's mux
// would list the methods of every matching pattern in Allow, and it accepts no pattern for a path without a method beside
// one for ids with a method, so the path is checked before the mux is called.
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

package site

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/live"
	"risingstars/internal/web/lang"
	"risingstars/internal/web/problem"
)

// organizer is the user name of the organizers' password.
const organizer = "organizer"

// failedOrganizers limits wrong passwords by address. While it is exceeded, the right password is refused as well.
var failedOrganizers = live.Rule{Name: "failed organizers by address", Burst: 10, Every: 30 * time.Second}

// Limits are the rate limits, shared with the API. Take counts one event and returns 0, or the time after which to
// retry; Wait peeks.
type Limits interface {
	Take(ctx context.Context, rule live.Rule, key string) time.Duration
	Wait(ctx context.Context, rule live.Rule, key string) time.Duration
}

const (
	// organizersPolicy is the Content-Security-Policy of the organizers' pages. Their scripts create style elements
	// at run time, so their hashes cannot be listed.
	organizersPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

	maxOrganizersBody = 1 << 20 // bytes
)

// Organizers protects pages with HTTP Basic authentication. It refuses state-changing requests from other sites,
// because browsers send the password with them. It sets Cache-Control: no-store.
func Organizers(password string, limits Limits, pages http.Handler) http.Handler {
	own := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tag := lang.PreferredLanguage(r.Header.Get("Accept-Language"))
		if own.Check(r) != nil {
			problem.WriteProblem(w, r, problem.CrossOriginRefused(tag))
			return
		}
		if err := signedIn(r, password, limits, tag); err != nil {
			problem.WriteProblem(w, r, err)
			return
		}
		w.Header().Set("Content-Security-Policy", organizersPolicy)
		r.Body = http.MaxBytesReader(w, r.Body, maxOrganizersBody)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(formTime))
		}
		pages.ServeHTTP(unstored{w}, r)
	})
}

// signedIn checks the password. It counts only wrong passwords, not requests without one: a browser's first request
// has none.
func signedIn(r *http.Request, password string, limits Limits, tag lang.Tag) error {
	who := problem.ScopeFromContext(r.Context()).Client
	if wait := limits.Wait(r.Context(), failedOrganizers, who); wait > 0 {
		return &contest.TooManyError{RetryAfter: wait}
	}
	user, given, ok := r.BasicAuth()
	if ok && same(user, organizer)&same(given, password) == 1 {
		return nil
	}
	if ok {
		limits.Take(r.Context(), failedOrganizers, who)
	}
	return problem.OrganizerPasswordRequired(tag)
}

// same returns 1 if the texts are equal, in constant time.
func same(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// unstored sets Cache-Control: no-store and overrides the handler's value.
type unstored struct{ http.ResponseWriter }

// Unwrap lets http.ResponseController reach the connection.
func (u unstored) Unwrap() http.ResponseWriter { return u.ResponseWriter }

func (u unstored) WriteHeader(status int) {
	u.Header().Set("Cache-Control", "no-store")
	u.ResponseWriter.WriteHeader(status)
}

func (u unstored) Write(b []byte) (int, error) {
	u.Header().Set("Cache-Control", "no-store") // has no effect once the header was sent
	return u.ResponseWriter.Write(b)            //nolint:wrapcheck // the caller's own
}

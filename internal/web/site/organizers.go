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

// organizer is the user who gives the organizers' password.
const organizer = "organizer"

// failedOrganizers bounds guessing. The right password has to wait as well, from the same address.
var failedOrganizers = live.Rule{Name: "failed organizers by address", Burst: 10, Every: 30 * time.Second}

// Limits bound how often people may try things, as for the API, with which they are shared.
type Limits interface {
	Take(ctx context.Context, rule live.Rule, key string) time.Duration
	Wait(ctx context.Context, rule live.Rule, key string) time.Duration
}

const (
	// organizersPolicy is the pages' own. Their scripts make style sheets as they go, whose hashes nobody can know before.
	organizersPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

	maxOrganizersBody = 1 << 20 // bytes
)

// Organizers opens pages to who has the password, by HTTP Basic, and to nobody else. Changes are refused to pages of
// other sites, for which browsers would send the password along. Nothing is kept in caches.
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

// signedIn counts wrong passwords only, and not a browser's first request, which has none.
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

// same is 1 for texts that are the same, and takes as long for those that are not.
func same(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// unstored keeps answers out of caches, whatever their handler has set.
type unstored struct{ http.ResponseWriter }

// Unwrap lets http.ResponseController reach the connection.
func (u unstored) Unwrap() http.ResponseWriter { return u.ResponseWriter }

func (u unstored) WriteHeader(status int) {
	u.Header().Set("Cache-Control", "no-store")
	u.ResponseWriter.WriteHeader(status)
}

func (u unstored) Write(b []byte) (int, error) {
	u.Header().Set("Cache-Control", "no-store") // without effect once the header was sent
	return u.ResponseWriter.Write(b)            //nolint:wrapcheck // the caller's own
}

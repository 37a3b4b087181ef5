package web

import (
	"net/http"
	"slices"
	"strings"
)

// The methods and headers that scripts of other origins may use, and the answer's headers that they may read, in
// addition to those that browsers always allow.
const (
	corsMethods = "GET, HEAD, POST, PATCH, DELETE"
	corsSends   = "Authorization, Content-Type, Accept-Language, Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset"
	corsReads   = "X-Total-Count, Link, Retry-After, X-Request-Id, Content-Disposition, Location, Tus-Resumable, Upload-Offset, " +
		"Upload-Length, Upload-Expires, Video-Id"
	corsAge = "600" // seconds for which a browser caches the answer to a preflight
)

// crossOrigin lets scripts of the given origins use the API and the media (CORS protocol of the Fetch standard). It
// does not allow credentials, so browsers send no cookies: such scripts use a token. Without origins it adds nothing.
func crossOrigin(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") && !strings.HasPrefix(r.URL.Path, "/media/") && r.URL.Path != "/openapi.json" {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if !slices.Contains(origins, origin) {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", corsMethods)
			h.Set("Access-Control-Allow-Headers", corsSends)
			h.Set("Access-Control-Max-Age", corsAge)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		h.Set("Access-Control-Expose-Headers", corsReads)
		next.ServeHTTP(w, r)
	})
}

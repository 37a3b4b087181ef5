package site

import "net/http"

// atRoot serves a static file at the root as well. The scope of a service worker is its own folder, so it must be
// there to handle all pages. Some browsers request /favicon.ico only.
func (s *Site) atRoot(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r2 := r.Clone(r.Context())
		r2.URL.Path = "/static/" + name
		s.assets.ServeHTTP(w, r2)
	}
}

// crawlers is robots.txt. It excludes users' own pages and the endpoints for programs.
const crawlers = `User-agent: *
Disallow: /api/
Disallow: /cuenta
Disallow: /mis-videos
Disallow: /organizers/
Disallow: /ranking/eventos
`

func robots(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(crawlers)) // a client that has disconnected cannot be told
	}
}

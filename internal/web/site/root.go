package site

import "net/http"

// atRoot serves a static file at the root too: the service worker, which alone there lets it answer for all pages, and the
// icon, which some look for nowhere else.
func (s *Site) atRoot(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r2 := r.Clone(r.Context())
		r2.URL.Path = "/static/" + name
		s.assets.ServeHTTP(w, r2)
	}
}

// crawlers says what search engines are to leave alone: what is one reader's own, and what is for programs.
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
		_, _ = w.Write([]byte(crawlers)) // a client that has gone cannot be told
	}
}

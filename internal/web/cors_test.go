package web

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// corsOf returns the CORS headers of an answer.
func corsOf(a answer) map[string]string {
	got := map[string]string{}
	for name := range a.Header {
		if short, found := strings.CutPrefix(name, "Access-Control-"); found {
			got[short] = a.Header.Get(name)
		}
	}
	return got
}

func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	routes := map[string]http.HandlerFunc{"GET /api/x": text("x"), "GET /media/x": text("x"), "GET /cuenta": text("x")}
	const app = "https://app.example.org"
	open, closed := newSiteWith(t, routes, Options{CORSOrigins: []string{app}}), newSite(t, routes)
	ask := map[string]string{"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
	reads := map[string]string{"Allow-Origin": app, "Expose-Headers": corsReads}
	tests := map[string]struct {
		site           *site
		method, target string
		origin         string
		header         map[string]string
		status         int
		want           map[string]string
	}{
		"closed":                        {closed, "GET", "/api/x", app, nil, 200, map[string]string{}},
		"closed, asked before":          {closed, "OPTIONS", "/api/x", app, ask, 405, map[string]string{}},
		"listed":                        {open, "GET", "/api/x", app, nil, 200, reads},
		"listed, media":                 {open, "GET", "/media/x", app, nil, 200, reads},
		"listed, an error":              {open, "GET", "/api/none", app, nil, 404, reads},
		"listed, a page":                {open, "GET", "/cuenta", app, nil, 200, map[string]string{}},
		"listed, asked before":          {open, "OPTIONS", "/api/x", app, ask, 204, map[string]string{"Allow-Origin": app, "Allow-Methods": corsMethods, "Allow-Headers": corsSends, "Max-Age": corsAge}},
		"another":                       {open, "GET", "/api/x", "https://evil.example", nil, 200, map[string]string{}},
		"another, asked before":         {open, "OPTIONS", "/api/x", "https://evil.example", ask, 405, map[string]string{}},
		"the same, with another scheme": {open, "GET", "/api/x", "http://app.example.org", nil, 200, map[string]string{}},
		"the same, with more":           {open, "GET", "/api/x", "https://app.example.org.evil.example", nil, 200, map[string]string{}},
		"null":                          {open, "GET", "/api/x", "null", nil, 200, map[string]string{}},
		"none":                          {open, "GET", "/api/x", "", nil, 200, map[string]string{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := map[string]string{"Origin": test.origin}
			maps.Copy(header, test.header)
			got := test.site.ask(t, test.method, test.target, header)
			if got.StatusCode != test.status {
				t.Errorf("got %d, want %d", got.StatusCode, test.status)
			}
			if diff := cmp.Diff(test.want, corsOf(got)); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if vary := got.Header.Get("Vary"); test.site == open && strings.HasPrefix(test.target, "/api/") && vary != "Origin" {
				t.Errorf("got Vary %q", vary)
			}
		})
	}
}

// Strict-Transport-Security is sent over TLS only.
func TestStrictTransportSecurity(t *testing.T) {
	t.Parallel()
	s := newSiteWith(t, map[string]http.HandlerFunc{"GET /x": text("x")}, Options{Proxies: loopback})
	for proto, want := range map[string]string{"https": "max-age=31536000", "http": "", "": ""} {
		got := s.ask(t, "GET", "/x", map[string]string{"X-Forwarded-Proto": proto}).Header.Get("Strict-Transport-Security")
		if got != want {
			t.Errorf("over %q: got %q, want %q", proto, got, want)
		}
	}
	if got := newSite(t, map[string]http.HandlerFunc{"GET /x": text("x")}).ask(t, "GET", "/x", map[string]string{"X-Forwarded-Proto": "https"}); got.Header.Get("Strict-Transport-Security") != "" {
		t.Error("anybody can have it sent")
	}
}

package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An id that is not a positive integer gives 404.
func TestIDsThatAreNone(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	calls := []string{
		"GET /api/videos/{id}", "POST /api/videos/{id}/publish", "POST /api/videos/{id}/retry", "DELETE /api/videos/{id}",
		"GET /api/videos/{id}/events", "POST /api/public/videos/{id}/vote", "DELETE /api/public/videos/{id}/vote",
	}
	ids := []string{
		"0", "-0", "-1", "999999999", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
		"99999999999999999999999999999999", "+1", "%2B1", "abc", "0x1", "1e3", "1.0", "1,2", "1_0", "%201", "1%20", "%00",
		"%2e%2e", "..%2f1", "null", "undefined", "NaN", "{id}", "%EF%BC%91", "'%20OR%201=1", "uploads",
	}
	for _, call := range calls {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(call, " ")
			for _, id := range ids {
				got := p.as(t).do(method, strings.Replace(path, "{id}", id, 1), "")
				if diff := cmp.Diff(refusal{404, "Video not found", nil}, got.refusal()); diff != "" {
					t.Errorf("%s (-want +got):\n%s", id, diff)
				}
			}
			p.as(t).in("en").do(method, strings.Replace(path, "{id}", "abc", 1), "").refuses(refusal{404, "Video not found", nil})
		})
	}
}

func TestRouter(t *testing.T) {
	t.Parallel()
	missing := refusal{404, "No existe esta dirección.", nil}
	wrong := refusal{405, "Esta dirección no admite ese método.", nil}
	tests := []struct {
		call  string
		want  refusal
		allow string
	}{
		{"GET /nothing", missing, ""},
		{"POST /nothing", missing, ""},
		{"GET /api", missing, ""},
		{"GET /api/nothing/", missing, ""},
		{"GET /api/videos/1/nothing", missing, ""},
		{"POST /api/videos//publish", missing, ""},
		{"GET /api/videos/%2F", missing, ""},
		{"GET /docs/nothing.js", missing, ""},
		{"GET /docs/index.html/x", missing, ""},
		{"GET /static", missing, ""},
		{"GET /static/", missing, ""},
		{"GET /media", missing, ""},
		{"GET /media/", missing, ""},
		{"GET //nothing", missing, ""},
		{"GET /nothing/../nowhere", missing, ""},
		{"GET /api/auth/login", wrong, "POST"},
		{"GET /api/auth/signup/", wrong, "POST"},
		{"PUT /api/auth/me", wrong, "GET, HEAD"},
		{"DELETE /api/videos", wrong, "GET, HEAD"},
		{"POST /api/videos/", wrong, "GET, HEAD"},
		{"GET /api/videos/upload", wrong, "POST"},
		{"DELETE /api/videos/upload/", wrong, "POST"},
		{"OPTIONS /api/videos/upload", wrong, "POST"},
		{"PROPFIND /api/videos/upload/", wrong, "POST"},
		{"PROPFIND /api/videos/1", wrong, "DELETE, GET, HEAD"},
		{"PATCH /api/videos/1", wrong, "DELETE, GET, HEAD"},
		{"GET /api/videos/1/publish", wrong, "POST"},
		{"POST /api/videos/1/events", wrong, "GET, HEAD"},
		{"GET /api/public/videos/1/vote", wrong, "DELETE, POST"},
		{"POST /api/public/rankings", wrong, "GET, HEAD"},
		{"POST /media/videos/x", wrong, "GET, HEAD"},
		{"POST /", wrong, "GET, HEAD"},
		{"DELETE /healthz", wrong, "GET, HEAD"},
		{"BREW /readyz", wrong, "GET, HEAD"},
		{"OPTIONS /openapi.json", wrong, "GET, HEAD"},
	}
	for _, test := range tests {
		t.Run(test.call, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(test.call, " ")

			got := visitor(t, shared()).do(method, path, "")

			got.refuses(test.want)
			if got := got.header.Get("Allow"); got != test.allow {
				t.Errorf("got Allow %q, want %q", got, test.allow)
			}
		})
	}
}

func TestRouterSpeaksEnglish(t *testing.T) {
	t.Parallel()
	c := visitor(t, shared()).in("en")
	c.get("/nothing").refuses(refusal{404, "There is nothing at this address.", nil})
	c.post("/healthz").refuses(refusal{405, "This address does not support that method.", nil})
	for _, lang := range []string{"de", "es-CO", "*", "en;q=0.1, es", "nonsense;;;", "fr, es;q=0.5, en;q=0.1"} {
		visitor(t, shared()).in(lang).get("/nothing").refuses(refusal{404, "No existe esta dirección.", nil})
	}
}

func TestATrailingSlashChangesNothing(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	id := p.uploaded("Bandeja")
	for _, path := range []string{
		"/api/auth/me", "/api/videos", path("/api/videos/{id}", id), "/api/public/videos?limit=1", "/api/public/rankings?limit=1",
		"/healthz", "/readyz", "/openapi.json", "/docs", "/docs/start.js",
	} {
		t.Run(path, func(t *testing.T) { // not parallel: the video is deleted below
			bare, query, _ := strings.Cut(path, "?")
			without, with := p.as(t).get(path), p.as(t).get(bare+"/?"+query)
			if without.status != 200 || with.status != 200 || with.body != without.body {
				t.Errorf("without: %d %.200s\nwith: %d %.200s", without.status, without.body, with.status, with.body)
			}
		})
	}
	for _, call := range []string{"publish", "retry"} {
		if got := p.post(path("/api/videos/{id}/"+call+"/", id)); got.status != 400 {
			t.Errorf("%s: got %d, want 400: %s", call, got.status, got.body)
		}
	}
	if got := p.postJSON("/api/auth/signup/", signUp(nil)); got.status != 201 {
		t.Errorf("sign-up: got %d: %s", got.status, got.body)
	}
	if got := p.postJSON("/api/auth/login/", credentials(p.email, password)); got.status != 200 {
		t.Errorf("sign-in: got %d: %s", got.status, got.body)
	}
	contentType, body := form(title("Triple"), video(clip(t)))
	if got := p.do("POST", "/api/videos/upload/", body, "Content-Type", contentType); got.status != 201 {
		t.Errorf("upload: got %d: %s", got.status, got.body)
	}
	if got := p.delete(path("/api/videos/{id}/", id)); got.status != 200 {
		t.Errorf("delete: got %d: %s", got.status, got.body)
	}
}

func TestHEADIsGETWithoutABody(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	id := p.uploaded("Bandeja")
	for _, path := range []string{
		"/", "/healthz", "/readyz", "/openapi.json", "/docs", "/docs/start.js", "/static/favicon.svg", "/metrics",
		"/api/auth/me", "/api/videos", path("/api/videos/{id}", id), path("/api/videos/{id}/events", id),
		"/api/public/videos", "/api/public/rankings", "/nothing", "/api/videos/abc", "/docs/nothing",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			head := p.as(t).do("HEAD", path, "")
			if strings.HasSuffix(path, "/events") {
				if got := head.header.Get("Content-Type"); head.status != 200 || got != "text/event-stream; charset=utf-8" {
					t.Errorf("got %d %s", head.status, got)
				}
				return
			}
			get := p.as(t).get(path)
			if head.status != get.status || head.body != "" || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
				t.Errorf("HEAD: %d %v\nGET: %d %v", head.status, head.header, get.status, get.header)
			}
		})
	}
}

// The API has only one format, so it ignores Accept.
func TestAcceptDoesNotMatter(t *testing.T) {
	t.Parallel()
	c := visitor(t, shared())
	for _, accept := range []string{"text/html", "application/xml", "application/cbor", "image/*", "nonsense", "application/json;q=0"} {
		c.get("/api/auth/me", "Accept", accept).refuses(unauthorized)
		c.get("/api/nothing", "Accept", accept).refuses(refusal{404, "No existe esta dirección.", nil})
		c.get("/api/public/rankings?page=1000", "Accept", accept).is(200, "[]")
	}
}

func TestHeadersOfAllAnswers(t *testing.T) {
	t.Parallel()
	c := visitor(t, shared())
	for _, path := range []string{"/", "/healthz", "/nothing", "/api/auth/me", "/docs", "/openapi.json", "/media/x", "/static/site.css"} {
		got := c.get(path)
		policy := got.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'self';") || !strings.Contains(policy, "frame-ancestors 'none'") ||
			strings.Contains(policy, "http") || strings.Contains(policy, "script-src") {
			t.Errorf("%s: got Content-Security-Policy %q", path, policy)
		}
		if got := got.header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: got X-Content-Type-Options %q", path, got)
		}
		if id := got.header.Get("X-Request-Id"); len(id) < 8 {
			t.Errorf("%s: got X-Request-Id %q", path, id)
		}
	}
	if got := c.get("/healthz", "X-Request-Id", "from-the-proxy-1").header.Get("X-Request-Id"); got != "from-the-proxy-1" {
		t.Errorf("got X-Request-Id %q, want the proxy's", got)
	}
	if got := c.get("/healthz", "X-Request-Id", "<script>alert(1)</script>").header.Get("X-Request-Id"); strings.Contains(got, "<") {
		t.Errorf("got X-Request-Id %q, want another", got)
	}
}

// A request that is not valid HTTP is answered with a problem, too.
func TestRequestsThatAreNone(t *testing.T) {
	t.Parallel()
	bad := refusal{400, "La solicitud no se entiende.", nil}
	tests := []struct {
		name, request string
		want          refusal
	}{
		{"nonsense", "nonsense\r\n\r\n", bad},
		{"no host", "GET / HTTP/1.1\r\n\r\n", bad},
		{"a bad path", "GET /%zz HTTP/1.1\r\nHost: test\r\n\r\n", bad},
		{"a bad header", "GET / HTTP/1.1\r\nHost: test\r\nno colon\r\n\r\n", bad},
		{"two lengths", "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", bad},
		{"an unknown encoding", "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: zip\r\n\r\n", refusal{501, "La solicitud no se puede atender.", nil}},
		{"a large header", "GET / HTTP/1.1\r\nHost: test\r\nX: " + strings.Repeat("a", 80_000) + "\r\n\r\n", refusal{431, "El encabezado de la solicitud es demasiado grande.", nil}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, shared())
			c.write(test.request)
			c.answer().refuses(test.want)
		})
	}
}

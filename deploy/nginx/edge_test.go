package nginx_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/testserver"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	f := newFront(t, nil)
	for proto, http2 := range map[string]bool{"HTTP/2.0": true, "HTTP/1.1": false} {
		got := f.over(f.Client(http2)).get("/healthz")
		if got.status != http.StatusOK || got.proto != proto {
			t.Errorf("got %d by %s, want 200 by %s", got.status, got.proto, proto)
		}
		want := map[string]string{
			"Server": "nginx", "Strict-Transport-Security": "max-age=31536000", "X-Content-Type-Options": "nosniff",
		}
		for name, value := range want {
			if diff := cmp.Diff(value, got.header.Get(name)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
	for version, good := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		c, err := tls.Dial("tcp", strings.TrimPrefix(f.URL, "https://"), &tls.Config{
			InsecureSkipVerify: true, MinVersion: version, MaxVersion: version,
		})
		if (err == nil) != good {
			t.Errorf("%s: got %v", tls.VersionName(version), err)
		}
		if err == nil {
			check(t, c.Close())
		}
	}
}

func TestPlainHTTPLeadsToTLS(t *testing.T) {
	t.Parallel()
	f := newFront(t, nil)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		got := f.over(f.Client(false)).ask(method, f.PlainURL+"/api/public/videos?city=Bogot%C3%A1", nil, "Host", "evil.example")
		if to := got.header.Get("Location"); got.status != http.StatusPermanentRedirect || to != f.URL+"/api/public/videos?city=Bogot%C3%A1" {
			t.Errorf("%s: got %d to %s", method, got.status, to)
		}
	}
}

// An ACME challenge arrives over HTTP only, before there is a trusted certificate.
func TestWhatAnAuthorityAsksFor(t *testing.T) {
	t.Parallel()
	f := newFront(t, nil)
	f.Keep(t, "acme/.well-known/acme-challenge/token", "token.thumbprint")
	plain := f.over(f.Client(false))
	got := plain.get(f.PlainURL + "/.well-known/acme-challenge/token")
	if got.status != http.StatusOK || got.body != "token.thumbprint" || got.header.Get("Content-Type") != "text/plain" {
		t.Errorf("got %d %q (%s)", got.status, got.body, got.header.Get("Content-Type"))
	}
	for path, status := range map[string]int{
		"another": http.StatusNotFound, "": http.StatusForbidden, "..%2f..%2f..%2fnginx.conf": http.StatusBadRequest,
	} {
		plain.get(f.PlainURL+"/.well-known/acme-challenge/"+path).isProblem(t, status)
	}
}

// Errors that nginx answers itself have the same form as the application's.
func TestOwnErrorsAreProblems(t *testing.T) {
	t.Parallel()
	f := newFront(t, nil)
	get := func(path string, lines ...string) string {
		return strings.Join(append([]string{"GET " + path + " HTTP/1.1", "Host: x"}, lines...), "\r\n") + "\r\n\r\n"
	}
	tests := map[string]struct {
		text   string
		status int
		detail string
	}{
		"no HTTP":            {"HELLO\r\n\r\n", 400, "La solicitud no se entiende."},
		"no host":            {"GET / HTTP/1.1\r\n\r\n", 400, "La solicitud no se entiende."},
		"in English":         {"GET / HTTP/1.1\r\nAccept-Language: en-GB,en\r\n\r\n", 400, "The request cannot be understood."},
		"a control":          {get("/\x01"), 400, "La solicitud no se entiende."},
		"up and out":         {get("/../x"), 400, "La solicitud no se entiende."},
		"a large line":       {get("/" + strings.Repeat("a", 17<<10)), 414, "La dirección es demasiado larga."},
		"a large header":     {get("/", "X-A: "+strings.Repeat("a", 17<<10)), 431, "El encabezado de la solicitud es demasiado grande."},
		"TRACE":              {"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Esta dirección no admite ese método."},
		"a version":          {"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505, "La solicitud no se puede atender."},
		"a large body":       {"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n", 413, "La solicitud es demasiado grande."},
		"a huge upload":      {"POST /api/videos/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 300000000\r\n\r\n", 413, "La solicitud es demasiado grande."},
		"metrics":            {get("/metrics"), 404, "No existe esta dirección."},
		"metrics/":           {get("/metrics/"), 404, "No existe esta dirección."},
		"metrics, escaped":   {get("/%6Detrics"), 404, "No existe esta dirección."},
		"metrics, untidy":    {get("//x/..//metrics//"), 404, "No existe esta dirección."},
		"metrics with query": {get("/metrics?x"), 404, "No existe esta dirección."},
		"the internal one":   {get("/_problem"), 404, "No existe esta dirección."},
		"internal media":     {get("/_media/videos/x"), 404, "No existe esta dirección."},
		"their folder":       {get("/_media/"), 404, "No existe esta dirección."},
		"escaped":            {get("/%5Fmedia/videos/x"), 404, "No existe esta dirección."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := f.say(f.Dial(), test.text)
			if diff := cmp.Diff(test.detail, got.isProblem(t, test.status)); diff != "" {
				t.Errorf("detail (-want +got):\n%s", diff)
			}
			if (got.header.Get("Allow") != "") != (test.status == 405) || got.header.Get("Retry-After") != "" {
				t.Errorf("got %v", got.header)
			}
		})
	}
	plain := f.over(f.Client(false)).get(strings.Replace(f.URL, "https", "http", 1) + "/")
	plain.isProblem(t, http.StatusBadRequest)
	if own := f.over(&http.Client{}).get(f.app.URL + "/metrics"); own.status != http.StatusOK {
		t.Errorf("behind nginx, /metrics answers %d", own.status)
	}
}

// nginx passes the application's errors on unchanged.
func TestTheApplicationsProblemsPass(t *testing.T) {
	t.Parallel()
	f := newFront(t, nil)
	if got := f.get("/api/auth/me").isProblem(t, 401); got != "Inicia sesión: hace falta un token válido." {
		t.Errorf("got %q", got)
	}
	f.get("/nothing").isProblem(t, 404)
	f.ask(http.MethodPut, "/healthz", nil).isProblem(t, 405)
}

func TestNobodyBehind(t *testing.T) {
	t.Parallel()
	n := testserver.Nginx(t, "", testserver.FreeAddr(t), testserver.FreeAddr(t))
	f := &front{TB: t, NginxServer: n, http: n.Client(true)}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		got := f.ask(method, "/api/public/rankings", nil)
		if detail := got.isProblem(t, http.StatusBadGateway); !strings.Contains(detail, "no responde") || got.header.Get("Retry-After") != "5" {
			t.Errorf("%s: got %s, %v", method, detail, got.header)
		}
	}
}

// Guessing passwords is throttled; a whole school signing in at once is not.
func TestTooManySignIns(t *testing.T) {
	t.Parallel()
	f := newFront(t, nil)
	const class = 250
	var (
		sent     sync.WaitGroup
		mu       sync.Mutex
		statuses = map[int]int{}
		refused  = make(chan answer, 8)
		stop     = make(chan struct{})
	)
	for range cap(refused) {
		sent.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				got := f.postJSON("/api/auth/login", nil)
				mu.Lock()
				statuses[got.status]++
				mu.Unlock()
				if got.status != http.StatusUnprocessableEntity {
					refused <- got
					return
				}
			}
		})
	}
	first := testserver.Within(t, "a refusal", refused)
	close(stop)
	sent.Wait()
	if detail := first.isProblem(t, 429); !strings.Contains(detail, "Demasiadas solicitudes") || first.header.Get("Retry-After") != "2" {
		t.Errorf("got %s, %v", detail, first.header)
	}
	if statuses[422] < class || len(statuses) != 2 {
		t.Errorf("got %v", statuses)
	}
	if got := f.get("/api/public/rankings"); got.status != http.StatusOK {
		t.Errorf("other clients get %d", got.status)
	}
}

var requestID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// One request id is in the answer and in a line of both logs. No log line contains a query string.
func TestLogs(t *testing.T) {
	t.Parallel()
	f := newFront(t, nil)

	got := f.get("/api/public/videos?q=geheim", "X-Request-Id", "made-up-by-the-client", "User-Agent", `a "quoted" one`)

	id := got.header.Get("X-Request-Id")
	if !requestID.MatchString(id) {
		t.Fatalf("got the id %q", id)
	}
	want := map[string]any{
		"msg": "request", "request_id": id, "method": "GET", "path": "/api/public/videos", "protocol": "HTTP/2.0", "tls": "TLSv1.3",
		"status": 200.0, "client": "127.0.0.1", "bytes": float64(len(got.body)), "upstream": address(f.app), "upstream_status": "200",
		"user_agent": `a "quoted" one`,
	}
	line := lineOf(f, id, f.AccessLog)
	for name, value := range want {
		if diff := cmp.Diff(value, line[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if seconds, ok := line["seconds"].(float64); !ok || seconds > testserver.Patience.Seconds() {
		t.Errorf("it took %v", line["seconds"])
	}
	if _, err := time.Parse(time.RFC3339, line["time"].(string)); err != nil {
		t.Error(err)
	}
	own := lineOf(f, id, func() []string { return strings.Split(f.app.Log(), "\n") })
	if own["path"] != "/api/public/videos" || own["client"] != "127.0.0.1" {
		t.Errorf("the application logs %v", own)
	}
	f.say(f.Dial(), "HELLO?geheim\r\n\r\n").isProblem(t, 400)
	refused := f.ask(http.MethodPost, "/metrics?geheim", strings.NewReader("x"))
	if line := lineOf(f, refused.header.Get("X-Request-Id"), f.AccessLog); line["method"] != "POST" || line["path"] != "/metrics" || line["status"] != 404.0 {
		t.Errorf("got %v", line)
	}
	if text := strings.Join(f.AccessLog(), "\n"); strings.Contains(text, "geheim") {
		t.Errorf("a query is in the log:\n%s", text)
	}
}

// lineOf waits for the line of a log with the request's id.
func lineOf(tb testing.TB, id string, lines func() []string) (found map[string]any) {
	tb.Helper()
	testserver.Eventually(tb, "a line with the id is in the log", func() bool {
		for _, text := range lines() {
			var line map[string]any
			if strings.Contains(text, id) && json.Unmarshal([]byte(text), &line) == nil && line["msg"] == "request" {
				found = line
			}
		}
		return found != nil
	})
	return found
}

// Forwarding headers and the host that a client sends have no effect.
func TestForwardedByTheClient(t *testing.T) {
	t.Parallel()
	p := newFront(t, nil).player()
	id := p.uploaded()
	for _, http2 := range []bool{true, false} {
		got := p.over(p.Client(http2)).get("/api/videos/"+id, "X-Forwarded-For", "203.0.113.9", "X-Forwarded-Proto", "http",
			"X-Forwarded-Host", "evil.example", "Host", "evil.example", "X-Real-IP", "203.0.113.9", "Forwarded", "for=203.0.113.9")

		var d detail
		got.decode(t, http.StatusOK, &d)
		if !strings.HasPrefix(d.Original, p.URL+"/media/videos/") {
			t.Errorf("got the link %s", d.Original)
		}
		line := lineOf(t, got.header.Get("X-Request-Id"), func() []string { return strings.Split(p.app.Log(), "\n") })
		if line["client"] != "127.0.0.1" {
			t.Errorf("the application takes the client for %v", line["client"])
		}
	}
}

// Static files may be cached forever, but only under their versioned path.
func TestStaticFiles(t *testing.T) {
	t.Parallel()
	f := newFront(t, nil)
	page := f.get("/", "Accept", "text/html")
	sheet := regexp.MustCompile(`/static/v-[0-9a-f]+/site\.css`).FindString(page.body)
	if sheet == "" {
		t.Fatalf("got %d %s, want a page with a style sheet", page.status, page.body)
	}
	for path, cache := range map[string]string{sheet: "public, max-age=31536000, immutable", "/static/site.css": "no-cache"} {
		got := f.get(path, "Accept-Encoding", "gzip")
		header := map[string]string{
			"Cache-Control": cache, "Content-Type": "text/css; charset=utf-8", "Content-Encoding": "gzip", "Vary": "Accept-Encoding",
		}
		for name, value := range header {
			if diff := cmp.Diff(value, got.header.Get(name)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", path, name, diff)
			}
		}
		if again := f.get(path, "Accept-Encoding", "gzip", "If-None-Match", got.header.Get("ETag")); again.status != http.StatusNotModified {
			t.Errorf("%s: got %d, want 304", path, again.status)
		}
	}
}

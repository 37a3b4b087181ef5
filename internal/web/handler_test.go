package web

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"risingstars/internal/testserver"
	"risingstars/internal/web/problem"
)

// site is a real server with test routes behind the middleware.
type site struct {
	*httptest.Server
	log     bytes.Buffer
	metrics *prometheus.Registry
}

// loopback are the proxies on this machine.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func newSite(t *testing.T, routes map[string]http.HandlerFunc, trusted ...netip.Prefix) *site {
	t.Helper()
	return newSiteWith(t, routes, Options{Proxies: trusted})
}

func newSiteWith(t *testing.T, routes map[string]http.HandlerFunc, o Options) *site {
	t.Helper()
	mux := http.NewServeMux()
	for pattern, handler := range routes {
		mux.HandleFunc(pattern, handler)
	}
	s := &site{metrics: prometheus.NewRegistry()}
	o.Log, o.Metrics = slog.New(slog.NewJSONHandler(&s.log, nil)), NewMetrics(s.metrics)
	s.Server = httptest.NewUnstartedServer(Handler(mux, o))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// answer is what a client receives.
type answer struct {
	*http.Response
	body string
	err  error // of reading the body
}

func (s *site) ask(t *testing.T, method, target string, header map[string]string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+target, nil)
	check(t, err)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(r)
	check(t, err)
	body, err := io.ReadAll(response.Body)
	check(t, response.Body.Close())
	return answer{response, string(body), err}
}

// lines closes the server, which waits for running requests, and returns its log lines.
func (s *site) lines(t *testing.T) (lines []map[string]any) {
	t.Helper()
	s.Close()
	decoder := json.NewDecoder(&s.log)
	for {
		var line map[string]any
		err := decoder.Decode(&line)
		if errors.Is(err, io.EOF) {
			return lines
		}
		check(t, err)
		lines = append(lines, line)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// isProblem fails unless the answer is a problem with this status, and returns the problem.
func isProblem(t *testing.T, a answer, status int) problem.Problem {
	t.Helper()
	var p problem.Problem
	if a.StatusCode != status || a.Header.Get("Content-Type") != problem.MediaType {
		t.Fatalf("got %d of type %s: %s", a.StatusCode, a.Header.Get("Content-Type"), a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	if p.Status != status || p.Detail == "" || p.Title != http.StatusText(status) {
		t.Errorf("got %+v", p)
	}
	if a.Header.Get("Content-Length") != strconv.Itoa(len(a.body)) {
		t.Errorf("got length %s of %d bytes", a.Header.Get("Content-Length"), len(a.body))
	}
	return p
}

func text(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) }
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		given string
		kept  bool
	}{
		"none":            {"", false},
		"a proxy's":       {"7b3c9f0e-1a2b-4c5d-8e6f-123456789abc", true},
		"eight":           {"abc_DEF9", true},
		"sixty-four":      {strings.Repeat("a", 64), true},
		"too short":       {"abcdefg", false},
		"too long":        {strings.Repeat("a", 65), false},
		"log injection":   {`abcdefgh" level="ERROR`, false},
		"markup":          {"<script>alert(1)</script>", false},
		"other alphabets": {"ñandúñandú", false},
		"blank":           {"abcd efgh", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, map[string]http.HandlerFunc{"GET /x": func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, problem.ScopeFromContext(r.Context()).ID)
			}})
			header := map[string]string{}
			if test.given != "" {
				header[RequestIDHeader] = test.given
			}

			a := s.ask(t, "GET", "/x", header)

			got := a.Header.Get(RequestIDHeader)
			if (got == test.given) != test.kept || len(got) < 8 {
				t.Errorf("got %q for %q", got, test.given)
			}
			if a.body != got {
				t.Errorf("handlers see %q, clients %q", a.body, got)
			}
			lines := s.lines(t)
			if len(lines) != 1 || lines[0]["request_id"] != got {
				t.Errorf("log: %v", lines)
			}
		})
	}
}

func TestRequestIDsDiffer(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]http.HandlerFunc{"GET /x": text("x")})
	first, second := s.ask(t, "GET", "/x", nil), s.ask(t, "GET", "/x", nil)
	if a, b := first.Header.Get(RequestIDHeader), second.Header.Get(RequestIDHeader); a == b {
		t.Errorf("both are %q", a)
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]http.HandlerFunc{"GET /media/{key...}": text("0123456789")})

	s.ask(t, "GET", "/media/a/b.mp4?expires=9&signature=secret", map[string]string{
		"Authorization": "Bearer secret", "Referer": "https://example.org/?secret", "Cookie": "a=secret",
	})

	lines := s.lines(t)
	if len(lines) != 1 {
		t.Fatalf("got %d lines", len(lines))
	}
	line := lines[0]
	if took, ok := line["took"].(float64); !ok || took <= 0 {
		t.Errorf("took %v", line["took"])
	}
	for _, varies := range []string{"time", "took", "request_id"} {
		delete(line, varies)
	}
	want := map[string]any{
		"level": "INFO", "msg": "request", "method": "GET", "path": "/media/a/b.mp4", "status": 200.0, "bytes": 10.0,
		"client": "127.0.0.1",
	}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestAccessLogOfHostilePaths(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.ask(t, "GET", "/a%0Ab%22c%1b%5B31m%00?secret", nil)
	raw := strings.Clone(s.log.String()) // s.lines reads the buffer to its end
	lines := s.lines(t)
	if len(lines) != 1 || lines[0]["path"] != "/a\nb\"c\x1b[31m\x00" || lines[0]["status"] != 404.0 {
		t.Errorf("log: %q", raw)
	}
}

func TestPanicBeforeTheHeader(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]http.HandlerFunc{"GET /x": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Length", "1000")
		panic("secret of the program's insides")
	}})

	a := s.ask(t, "GET", "/x", nil)

	p := isProblem(t, a, 500)
	if p.RequestID != a.Header.Get(RequestIDHeader) || strings.Contains(a.body, "secret") || strings.Contains(a.body, ".go") {
		t.Errorf("got %s", a.body)
	}
	lines := s.lines(t)
	if len(lines) != 1 || lines[0]["level"] != "ERROR" || lines[0]["request_id"] != p.RequestID || lines[0]["status"] != 500.0 {
		t.Fatalf("log: %v", lines)
	}
	if cause, ok := lines[0]["error"].(string); !ok || !strings.Contains(cause, "secret of the program's insides") || !strings.Contains(cause, "handler_test.go") {
		t.Errorf("the log does not say what panicked where: %v", lines[0]["error"])
	}
}

// If the header was already sent, a panic must abort the connection, so that the client sees an incomplete answer,
// and not a problem appended to it.
func TestPanicAfterTheHeader(t *testing.T) {
	t.Parallel()
	tests := map[string]func(http.ResponseWriter){
		"header":    func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) },
		"body":      func(w http.ResponseWriter) { _, _ = io.WriteString(w, "half") },
		"flush":     func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
		"read from": func(w http.ResponseWriter) { _, _ = io.Copy(w, strings.NewReader("half")) },
	}
	for name, begin := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, map[string]http.HandlerFunc{"GET /x": func(w http.ResponseWriter, _ *http.Request) {
				begin(w)
				_ = http.NewResponseController(w).Flush()
				panic("half way")
			}})

			a := s.ask(t, "GET", "/x", nil)

			if a.err == nil || strings.Contains(a.body, "{") {
				t.Errorf("the answer ends with %v and holds %q", a.err, a.body)
			}
			lines := s.lines(t)
			if len(lines) != 1 || lines[0]["level"] != "ERROR" {
				t.Fatalf("log: %v", lines)
			}
			if cause, ok := lines[0]["error"].(string); !ok || !strings.Contains(cause, "half way") {
				t.Errorf("log: %v", lines[0]["error"])
			}
		})
	}
}

func TestAbortedRequestsAreNoErrors(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]http.HandlerFunc{"GET /x": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}})
	a := s.ask(t, "GET", "/x", nil)
	if a.err == nil {
		t.Errorf("got %q, whole", a.body)
	}
	if lines := s.lines(t); len(lines) != 1 || lines[0]["level"] != "INFO" || lines[0]["error"] != nil {
		t.Errorf("log: %v", lines)
	}
}

func TestTrailingSlashes(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]http.HandlerFunc{
		"GET /{$}":          text("root"),
		"GET /api/videos":   text("list"),
		"GET /videos/{id}":  func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "video "+r.PathValue("id")) },
		"POST /api/videos":  text("posted"),
		"GET /static/":      text("static"),
		"GET /search/{q}/x": func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "search "+r.PathValue("q")) },
	})
	tests := []struct {
		method, target string
		status         int
		body           string // "" means a problem
	}{
		{"GET", "/", 200, "root"},
		{"GET", "/api/videos", 200, "list"},
		{"GET", "/api/videos/", 200, "list"},
		{"GET", "/api/videos///", 200, "list"},
		{"GET", "/api/videos/?page=2", 200, "list"},
		{"POST", "/api/videos/", 200, "posted"},
		{"GET", "/videos/7/", 200, "video 7"},
		{"GET", "/videos/a%2Fb", 200, "video a/b"},
		{"GET", "/search/a%2Fb/x/", 200, "search a/b"},
		{"GET", "/static/app.css", 200, "static"},
		{"GET", "/static", 404, ""},
		{"GET", "/static/", 404, ""}, // the same as without the slash, and no redirect to itself
		{"DELETE", "/api/videos/", 405, ""},
		{"GET", "/videos/", 404, ""},
	}
	for _, test := range tests {
		t.Run(test.method+test.target, func(t *testing.T) {
			t.Parallel()
			a := s.ask(t, test.method, test.target, nil)
			if test.body == "" {
				isProblem(t, a, test.status)
				return
			}
			if a.StatusCode != test.status || a.body != test.body {
				t.Errorf("got %d %s %q, want %d %q", a.StatusCode, a.Header.Get("Location"), a.body, test.status, test.body)
			}
		})
	}
}

func TestTheRoutersOwnErrorsAreProblems(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]http.HandlerFunc{
		"GET /x": text("x"), "POST /x": text("x"),
		"GET /own": func(w http.ResponseWriter, r *http.Request) {
			problem.WriteProblem(w, r, problem.NewProblem(http.StatusTeapot, "own words"))
		},
	})
	t.Run("404", func(t *testing.T) {
		t.Parallel()
		for _, target := range []string{"/none", "/x/y", "/none/", "//none", "/x/../none"} {
			p := isProblem(t, s.ask(t, "GET", target, nil), 404)
			if p.Detail != "No existe esta dirección." {
				t.Errorf("%s: got %q", target, p.Detail)
			}
		}
	})
	t.Run("405", func(t *testing.T) {
		t.Parallel()
		a := s.ask(t, "DELETE", "/x", nil)
		p := isProblem(t, a, 405)
		if p.Detail != "Esta dirección no admite ese método." || a.Header.Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("got %q, allowed %q", p.Detail, a.Header.Get("Allow"))
		}
	})
	t.Run("in English", func(t *testing.T) {
		t.Parallel()
		p := isProblem(t, s.ask(t, "GET", "/none", map[string]string{"Accept-Language": "en-GB,es;q=0.5"}), 404)
		if p.Detail != "There is nothing at this address." {
			t.Errorf("got %q", p.Detail)
		}
	})
	t.Run("a handler's stays as it is", func(t *testing.T) {
		t.Parallel()
		if p := isProblem(t, s.ask(t, "GET", "/own", nil), 418); p.Detail != "own words" {
			t.Errorf("got %q", p.Detail)
		}
	})
}

func TestHead(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]http.HandlerFunc{"GET /x": text("0123456789")})
	for target, status := range map[string]int{"/x": 200, "/none": 404} {
		a := s.ask(t, "HEAD", target, nil)
		if a.StatusCode != status || a.body != "" || a.Header.Get(RequestIDHeader) == "" {
			t.Errorf("%s: got %d, %q", target, a.StatusCode, a.body)
		}
	}
	get, head := s.ask(t, "GET", "/none", nil), s.ask(t, "HEAD", "/none", nil)
	for _, name := range []string{"Content-Type", "Content-Length", "Cache-Control"} {
		if got, want := head.Header.Get(name), get.Header.Get(name); got != want || got == "" {
			t.Errorf("%s: HEAD %q, GET %q", name, got, want)
		}
	}
}

func TestSecurityHeadersAreOnEverything(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]http.HandlerFunc{
		"GET /x": text("x"), "GET /panic": func(http.ResponseWriter, *http.Request) { panic("x") },
	})
	for _, target := range []string{"/x", "/none", "/panic"} {
		a := s.ask(t, "GET", target, nil)
		if got := a.Header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: got X-Content-Type-Options %q", target, got)
		}
		if got := a.Header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'self'") {
			t.Errorf("%s: got Content-Security-Policy %q", target, got)
		}
		if got := a.Header.Get("Referrer-Policy"); got != "same-origin" {
			t.Errorf("%s: got Referrer-Policy %q", target, got)
		}
		if got := a.Header.Get("X-Frame-Options"); got != "DENY" {
			t.Errorf("%s: got X-Frame-Options %q", target, got)
		}
		if got := a.Header.Get("Permissions-Policy"); !strings.Contains(got, "camera=()") {
			t.Errorf("%s: got Permissions-Policy %q", target, got)
		}
		for _, unsafe := range []string{"unsafe-", "*", "http:", "https:"} {
			if got := a.Header.Get("Content-Security-Policy"); strings.Contains(got, unsafe) {
				t.Errorf("%s: the policy has %q: %s", target, unsafe, got)
			}
		}
	}
}

// A handler that changes a security header of its answer changes no other answer.
func TestSecurityHeadersAreNotShared(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]http.HandlerFunc{
		"GET /set": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Security-Policy", "other") },
		"GET /add": func(w http.ResponseWriter, _ *http.Request) { w.Header().Add("Content-Security-Policy", "more") },
		"GET /x":   text("x"),
	})
	for _, target := range []string{"/set", "/add", "/add"} {
		s.ask(t, "GET", target, nil)
	}
	if got := s.ask(t, "GET", "/x", nil).Header.Values("Content-Security-Policy"); len(got) != 1 || !strings.HasPrefix(got[0], "default-src") {
		t.Errorf("got %q", got)
	}
}

func TestFlushReachesTheClient(t *testing.T) {
	t.Parallel()
	read := make(chan bool)
	s := newSite(t, map[string]http.HandlerFunc{"GET /x": func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		select {
		case <-read:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, "second\n")
	}})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/x", nil)
	check(t, err)
	response, err := s.Client().Do(r)
	check(t, err)
	defer func() { _ = response.Body.Close() }()
	body := bufio.NewReader(response.Body)
	first, err := body.ReadString('\n')
	close(read)
	if first != "first\n" || err != nil {
		t.Errorf("got %q, %v", first, err)
	}
	if second, err := body.ReadString('\n'); second != "second\n" || err != nil {
		t.Errorf("got %q, %v", second, err)
	}
}

// readsFrom is a connection that implements io.ReaderFrom, like a TCP connection with sendfile.
type readsFrom struct {
	*httptest.ResponseRecorder
	took int64
}

func (r *readsFrom) ReadFrom(src io.Reader) (int64, error) {
	n, err := io.Copy(r.ResponseRecorder, src)
	r.took += n
	return n, err
}

func TestFilesGoToTheConnection(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "clip")
	check(t, os.WriteFile(path, []byte("0123456789"), 0o600))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /x", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) })
	var log bytes.Buffer
	h := Handler(mux, Options{
		Log: slog.New(slog.NewJSONHandler(&log, nil)), Metrics: NewMetrics(prometheus.NewRegistry()),
	})
	w := &readsFrom{ResponseRecorder: httptest.NewRecorder()}

	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/x", nil))

	if w.took != 10 || w.Body.String() != "0123456789" {
		t.Errorf("the connection took %d bytes by itself, of %q", w.took, w.Body)
	}
	if !strings.Contains(log.String(), `"bytes":10`) {
		t.Errorf("log: %s", &log)
	}
}

// A plain-text error is replaced, however the handler writes its body.
func TestPlainErrorsOfHandlersAreReplacedWhole(t *testing.T) {
	t.Parallel()
	bodies := map[string]func(http.ResponseWriter){
		"none":  func(http.ResponseWriter) {},
		"write": func(w http.ResponseWriter) { _, _ = io.WriteString(w, "plain words") },
		"flush": func(w http.ResponseWriter) {
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "plain words")
		},
		"stream": func(w http.ResponseWriter) { _, _ = io.Copy(w, io.LimitReader(strings.NewReader("plain words"), 11)) },
		"read from": func(w http.ResponseWriter) {
			if to, ok := w.(io.ReaderFrom); ok {
				_, _ = to.ReadFrom(strings.NewReader("plain words"))
			}
		},
	}
	for name, write := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, map[string]http.HandlerFunc{"GET /x": func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusNotFound)
				write(w)
			}})
			a := s.ask(t, "GET", "/x", nil)
			if isProblem(t, a, 404); strings.Contains(a.body, "plain words") {
				t.Errorf("got %q", a.body)
			}
		})
	}
}

func TestMetricsCountByRoute(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]http.HandlerFunc{
		"GET /videos/{id}": text("x"), "GET /panic": func(http.ResponseWriter, *http.Request) { panic("x") },
	})
	s.ask(t, "GET", "/videos/1", nil)
	s.ask(t, "GET", "/videos/2/", nil)
	s.ask(t, "HEAD", "/videos/3", nil)
	s.ask(t, "GET", "/none/1", nil)
	s.ask(t, "GET", "/none/2", nil)
	s.ask(t, "BREW", "/videos/1", nil)
	s.ask(t, "GET", "/panic", nil)
	s.Close()

	families, err := s.metrics.Gather()
	check(t, err)
	got := map[string]uint64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if m.GetHistogram() == nil {
				got[family.GetName()] = uint64(m.GetGauge().GetValue())
				continue
			}
			labels := map[string]string{}
			for _, pair := range m.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			got[labels["method"]+" "+labels["route"]+" "+labels["status"]] = m.GetHistogram().GetSampleCount()
		}
	}
	want := map[string]uint64{
		"GET /videos/{id} 200": 2, "HEAD /videos/{id} 200": 1, "GET none 404": 2, "other none 405": 1, "GET /panic 500": 1,
		"risingstars_http_requests_in_flight": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// A read deadline that passes while a request is answered does not affect later requests on the connection.
//
// The chaos test found this: tusd sets such a deadline when a second request wants the same upload. net/http then
// cancels the context of the connection and serves all later requests with it. Behind nginx these were other clients'
// requests, and each of them was answered with 500.
func TestARequestAfterADeadline(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]http.HandlerFunc{
		"GET /spoil": func(w http.ResponseWriter, r *http.Request) {
			if err := http.NewResponseController(w).SetReadDeadline(time.Now()); err != nil {
				t.Error(err)
			}
			<-r.Context().Done()
		},
		"GET /after": func(_ http.ResponseWriter, r *http.Request) {
			if err := r.Context().Err(); err != nil {
				t.Error(err)
			}
		},
	})
	conn := testserver.Dial(t, s.Listener.Addr().String())
	answers := bufio.NewReader(conn)
	for _, step := range []struct {
		path   string
		closes bool
	}{{"/spoil", false}, {"/after", true}} {
		_, err := io.WriteString(conn, "GET "+step.path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		check(t, err)
		got, err := http.ReadResponse(answers, nil)
		check(t, err)
		if got.StatusCode != http.StatusOK || got.Close != step.closes {
			t.Errorf("%s: %s, closes: %t", step.path, got.Status, got.Close)
		}
	}
}

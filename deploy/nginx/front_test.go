package nginx_test

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// front is the program behind an nginx.
type front struct {
	testing.TB
	*testserver.NginxServer
	app   *apptest.Server
	http  *http.Client
	token string // of a signed-in player; "" for a visitor
}

// newFront starts both. Settings are as for apptest.Start.
func newFront(tb testing.TB, settings apptest.Settings) *front {
	tb.Helper()
	testserver.Program(tb, "nginx")
	all := apptest.Settings{
		"WORKERS": "0", "ACCEL_REDIRECT": "/_media/", "TRUSTED_PROXIES": "127.0.0.1", "LOG_FORMAT": "json", "DATA_DIR": tb.TempDir(),
	}
	maps.Copy(all, settings)
	app := apptest.Start(tb, all)
	n := testserver.Nginx(tb, filepath.Join(app.DataDir, "media"), address(app))
	return &front{TB: tb, NginxServer: n, app: app, http: n.Client(true)}
}

func address(s *apptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

// over returns a copy with another client, such as one for HTTP/1.1.
func (f front) over(c *http.Client) *front {
	f.http = c
	return &f
}

func (f front) as(token string) *front {
	f.token = token
	return &f
}

// answer is a response whose body was read completely.
type answer struct {
	status int
	proto  string
	header http.Header
	body   string
}

// ask sends a request. header alternates names and values. path may be a whole URL.
func (f *front) ask(method, path string, body io.Reader, header ...string) answer {
	f.Helper()
	return f.send(f.request(method, path, body, header...))
}

func (f *front) get(path string, header ...string) answer {
	f.Helper()
	return f.ask(http.MethodGet, path, nil, header...)
}

func (f *front) request(method, path string, body io.Reader, header ...string) *http.Request {
	f.Helper()
	if !strings.HasPrefix(path, "http") {
		path = f.URL + path
	}
	r, err := http.NewRequestWithContext(f.Context(), method, path, body)
	check(f, err)
	if f.token != "" {
		r.Header.Set("Authorization", "Bearer "+f.token)
	}
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	return r
}

func (f *front) send(r *http.Request) answer {
	f.Helper()
	response, err := f.http.Do(r)
	check(f, err)
	return read(f, response)
}

func read(tb testing.TB, r *http.Response) answer {
	tb.Helper()
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	check(tb, err)
	return answer{r.StatusCode, r.Proto, r.Header, string(body)}
}

// say writes text to a connection and reads one answer.
func (f *front) say(c net.Conn, text string) answer {
	f.Helper()
	_, err := c.Write([]byte(text))
	check(f, err)
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	check(f, err)
	return read(f, response)
}

// isProblem checks a problem document, and returns its detail.
func (a answer) isProblem(tb testing.TB, status int) string {
	tb.Helper()
	var p struct {
		Title, Detail string
		Status        int
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		tb.Errorf("got %d %q: %v", a.status, a.body, err)
	}
	if a.status != status || p.Status != status || a.header.Get("Content-Type") != "application/problem+json" || p.Title == "" || p.Detail == "" {
		tb.Errorf("got %d %s %s, want a problem %d", a.status, a.header.Get("Content-Type"), a.body, status)
	}
	if got := a.header.Get("Content-Length"); got != strconv.Itoa(len(a.body)) {
		tb.Errorf("got a Content-Length of %q for %d bytes", got, len(a.body))
	}
	// no-store replaces a Cache-Control that the application sent before nginx failed to find the file.
	if !slices.Contains(a.header.Values("Cache-Control"), "no-store") || a.header.Get("X-Request-Id") == "" {
		tb.Errorf("with %d got %v", status, a.header)
	}
	return p.Detail
}

func (a answer) decode(tb testing.TB, status int, into any) {
	tb.Helper()
	if a.status != status {
		tb.Fatalf("got %d %s, want %d", a.status, a.body, status)
	}
	check(tb, json.Unmarshal([]byte(a.body), into))
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

var players atomic.Int64

// player signs up and signs in a new account, through nginx.
func (f *front) player() *front {
	f.Helper()
	const password = "salto-y-canasta"
	email := "player" + strconv.FormatInt(players.Add(1), 10) + "@example.com"
	f.postJSON("/api/auth/signup", map[string]string{
		"first_name": "Valentina", "last_name": "Ríos", "email": email, "password1": password, "password2": password,
	}).decode(f, http.StatusCreated, &struct{}{})
	var in struct {
		Token string `json:"access_token"`
	}
	f.postJSON("/api/auth/login", map[string]string{"email": email, "password": password}).decode(f, http.StatusOK, &in)
	return f.as(in.Token)
}

func (f *front) postJSON(path string, body any) answer {
	f.Helper()
	text, err := json.Marshal(body)
	check(f, err)
	return f.ask(http.MethodPost, path, strings.NewReader(string(text)), "Content-Type", "application/json")
}

package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// browser follows no redirects, so that tests can check them.
var browser = &http.Client{
	Timeout:       testserver.Patience,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// client sends requests to a server: as a visitor, or as a signed-in player.
type client struct {
	tb    testing.TB
	url   string
	token string // "" for a visitor
	lang  string // Accept-Language, "" for none
}

func visitor(tb testing.TB, s *apptest.Server) client {
	tb.Helper()
	return client{tb: tb, url: s.URL}
}

// in is the same client with another Accept-Language.
func (c client) in(lang string) client {
	c.lang = lang
	return c
}

func (c client) get(path string, header ...string) answer  { return c.do("GET", path, "", header...) }
func (c client) post(path string, header ...string) answer { return c.do("POST", path, "", header...) }
func (c client) delete(path string) answer                 { return c.do("DELETE", path, "") }
func (c client) postJSON(path, body string) answer {
	return c.do("POST", path, body, "Content-Type", "application/json")
}

// do sends a request with the given names and values of headers in addition to the client's own. path may be an
// absolute URL.
func (c client) do(method, path, body string, header ...string) answer {
	c.tb.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	return c.send(c.request(method, path, content, header...))
}

func (c client) request(method, path string, body io.Reader, header ...string) *http.Request {
	c.tb.Helper()
	if !strings.HasPrefix(path, "http") {
		path = c.url + path
	}
	r, err := http.NewRequestWithContext(c.tb.Context(), method, path, body)
	if err != nil {
		c.tb.Fatal(err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.lang != "" {
		r.Header.Set("Accept-Language", c.lang)
	}
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	return r
}

func (c client) send(r *http.Request) answer {
	c.tb.Helper()
	response, err := browser.Do(r)
	if err != nil {
		c.tb.Fatal(err)
	}
	return read(c.tb, response)
}

// answer is a response whose body was read.
type answer struct {
	tb     testing.TB
	status int
	header http.Header
	body   string
}

func read(tb testing.TB, r *http.Response) answer {
	tb.Helper()
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		tb.Fatalf("read the answer: %v", err)
	}
	return answer{tb: tb, status: r.StatusCode, header: r.Header, body: string(body)}
}

// decode decodes a JSON answer with the given status. Numbers keep their text.
func (a answer) decode(status int, v any) {
	a.tb.Helper()
	if a.status != status || a.header.Get("Content-Type") != "application/json" {
		a.tb.Fatalf("got %d %s: %.500s\nwant %d and JSON", a.status, a.header.Get("Content-Type"), a.body, status)
	}
	decode(a.tb, a.body, v)
}

func decode(tb testing.TB, text string, v any) {
	tb.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		tb.Fatalf("decode %.500s: %v", text, err)
	}
	if d.More() {
		tb.Fatalf("more than one value: %.500s", text)
	}
}

// is compares a JSON answer with a JSON text. In the text, TIME stands for any time, and "signed original.mp4" or
// "open clip.mp4" for a link to such an object.
func (a answer) is(status int, want string) {
	a.tb.Helper()
	var got, wanted any
	a.decode(status, &got)
	decode(a.tb, want, &wanted)
	if diff := cmp.Diff(wanted, masked(got)); diff != "" {
		a.tb.Errorf("answer (-want +got):\n%s", diff)
	}
}

var (
	timeText = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
	linkText = regexp.MustCompile(
		`^http://[^/]+/media/videos/[0-9a-f]{32}/(?:[0-9a-f]{32}/)?(original\.mp4|original\.mov|clip\.mp4|poster\.jpg)` +
			`(\?expires=\d+&signature=[\w-]{43})?$`)
)

// masked replaces values that differ between runs.
func masked(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = masked(v[name])
		}
	case []any:
		for i := range v {
			v[i] = masked(v[i])
		}
	case string:
		if timeText.MatchString(v) {
			return "TIME"
		}
		if m := linkText.FindStringSubmatch(v); m != nil && m[2] != "" {
			return "signed " + m[1]
		} else if m != nil {
			return "open " + m[1]
		}
	}
	return v
}

// refusal is a problem, as the API's contract defines it.
type refusal struct {
	Status int
	Detail string
	Errors []fault // of a 422
}

type fault struct{ Location, Message string }

// refuses compares a problem with the expected one, and checks what all problems have in common.
func (a answer) refuses(want refusal) {
	a.tb.Helper()
	if diff := cmp.Diff(want, a.refusal()); diff != "" {
		a.tb.Errorf("refusal (-want +got):\n%s", diff)
	}
}

// refusal decodes a problem and checks what all problems have in common.
func (a answer) refusal() refusal {
	a.tb.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		a.tb.Fatalf("got %d %s: %.500s\nwant a problem", a.status, got, a.body)
	}
	if got := a.header.Get("Content-Length"); got != strconv.Itoa(len(a.body)) {
		a.tb.Errorf("got a Content-Length of %q for %d bytes", got, len(a.body))
	}
	var p struct {
		Title     *string
		Status    *int
		Detail    *string
		Errors    []fault
		RequestID *string `json:"request_id"`
	}
	d := json.NewDecoder(strings.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		a.tb.Fatalf("decode %s: %v", a.body, err)
	}
	if p.Title == nil || *p.Title != http.StatusText(a.status) || p.Status == nil || *p.Status != a.status ||
		p.Detail == nil || *p.Detail == "" {
		a.tb.Fatalf("with status %d got %s, want title, status and detail", a.status, a.body)
	}
	if (p.RequestID != nil) != (a.status == http.StatusInternalServerError) {
		a.tb.Errorf("with status %d got %s", a.status, a.body)
	}
	a.checkHeader()
	// The order of the fields is not specified.
	slices.SortFunc(p.Errors, func(a, b fault) int { return strings.Compare(a.Location, b.Location) })
	return refusal{Status: a.status, Detail: *p.Detail, Errors: p.Errors}
}

func (a answer) checkHeader() {
	a.tb.Helper()
	for status, name := range map[int]string{401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After"} {
		if got := a.header.Get(name); (got != "") != (a.status == status) {
			a.tb.Errorf("with status %d got %s %q", a.status, name, got)
		}
	}
	if got := a.header.Get("WWW-Authenticate"); got != "" && got != "Bearer" {
		a.tb.Errorf("got WWW-Authenticate %q, want Bearer", got)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		a.tb.Errorf("got Cache-Control %q for an error, want no-store", got)
	}
}

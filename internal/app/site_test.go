package app_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// reader is a browser without scripts.
type reader struct {
	t    *testing.T
	base string
	http *http.Client
}

func newReader(t *testing.T, s *apptest.Server) *reader {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &reader{t, s.URL, &http.Client{Jar: jar}}
}

func (b *reader) do(method, path string, body io.Reader, header ...string) (*http.Response, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer, string(text)
}

func (b *reader) post(path string, form url.Values) (*http.Response, string) {
	b.t.Helper()
	return b.do("POST", path, strings.NewReader(form.Encode()), "Content-Type", "application/x-www-form-urlencoded")
}

func signUpForm(email string) url.Values {
	return url.Values{
		"first_name": {"Ana"}, "last_name": {"Rojas"}, "email": {email},
		"password1": {"salto-y-canasta"}, "password2": {"salto-y-canasta"}, "city": {"Cali"},
	}
}

func TestTheSiteSignsInAndOut(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	b := newReader(t, s)
	if answer, _ := b.do("GET", "/mis-videos", nil); answer.Request.URL.Path != "/cuenta/entrar" {
		t.Errorf("signed out, my videos lead to %s", answer.Request.URL)
	}
	form := signUpForm("ana@example.com")
	form.Set("password2", "otra")
	if answer, body := b.post("/cuenta/registro", form); answer.StatusCode != 400 || !strings.Contains(body, `value="Rojas"`) ||
		!strings.Contains(body, `aria-describedby="password2-fault"`) || strings.Contains(body, "salto-y-canasta") {
		t.Errorf("a bad form: got %d\n%s", answer.StatusCode, body)
	}
	if answer, _ := b.post("/cuenta/registro", signUpForm("ana@example.com")); answer.Request.URL.Path != "/mis-videos" {
		t.Errorf("signing up leads to %s", answer.Request.URL)
	}
	if _, body := b.do("GET", "/cuenta", nil); !strings.Contains(body, "ana@example.com") {
		t.Error("the profile does not show the reader's own email")
	}
	if _, body := b.do("GET", "/p/1", nil); !strings.Contains(body, "Ana Rojas") || strings.Contains(body, "ana@example.com") {
		t.Errorf("the public page: %s", body)
	}
	if answer, _ := b.do("POST", "/cuenta/salir", nil, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); answer.StatusCode != 403 {
		t.Errorf("a form on another site: got %d", answer.StatusCode)
	}
	old := b.http.Jar.Cookies(mustParse(t, s.URL))
	b.post("/cuenta/salir", nil)
	b.http.Jar.SetCookies(mustParse(t, s.URL), old)
	if answer, _ := b.do("GET", "/cuenta", nil); answer.Request.URL.Path != "/cuenta/entrar" {
		t.Error("the cookie works after signing out")
	}
}

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestErrorsArePagesForBrowsersAndProblemsForPrograms(t *testing.T) {
	t.Parallel()
	b := newReader(t, apptest.Start(t, apptest.Settings{"WORKERS": "0"}))
	for path, accept := range map[string][2]string{
		"/nada": {"text/html", "text/html"}, "/v/1": {"text/html", "text/html"}, "/v/-1": {"*/*", "application/problem+json"},
		"/api/nada": {"text/html", "application/problem+json"},
	} {
		answer, _ := b.do("GET", path, nil, "Accept", accept[0])
		if got := answer.Header.Get("Content-Type"); answer.StatusCode != 404 || !strings.HasPrefix(got, accept[1]) {
			t.Errorf("%s for %s: got %d %s", path, accept[0], answer.StatusCode, got)
		}
	}
}

// An error page is in the reader's language, and its menu matches the reader's session.
func TestErrorsAreForTheReader(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "1"})
	b, other := newReader(t, s), newReader(t, s)
	b.post("/cuenta/registro", signUpForm("ana@example.com"))
	other.post("/cuenta/registro", signUpForm("luis@example.com"))
	ana := must(signIn(s.URL, "ana@example.com"))(t)
	id := ana.mustUpload(t, s.URL, mediatest.Clip(t, mediatest.Spec{}))
	ana.waitFor(t, s.URL, id, "processed")
	ana.publish(t, s.URL, id)
	const member, visitor = `href="/cuenta"`, `href="/cuenta/entrar"`
	for name, test := range map[string]struct {
		by                   *reader
		method, path, accept string
		status               int
		says, menu           string
	}{
		"a page that is not there":     {b, "GET", "/nada", "", 404, "Fuera de la cancha", member},
		"another's video":              {other, "GET", "/mis-videos/1/borrar", "", 403, "Falta técnica", member},
		"to a visitor":                 {newReader(t, s), "GET", "/v/99", "", 404, "Fuera de la cancha", visitor},
		"a public video":               {b, "GET", "/mis-videos/1/borrar", "", 400, "no se puede eliminar", member},
		"a public video, sent":         {b, "POST", "/mis-videos/1/borrar", "", 400, "no se puede eliminar", member},
		"a public video, in English":   {b, "GET", "/mis-videos/1/borrar", "en", 400, "cannot be deleted", member},
		"a public video, by a choice":  {b, "GET", "/mis-videos/1/borrar?lang=en", "es", 400, "cannot be deleted", member},
		"what only failed ones can do": {b, "POST", "/mis-videos/1/reintentar?lang=en", "es", 400, "Only a failed video", member},
	} {
		b.http.Jar.SetCookies(mustParse(t, s.URL), []*http.Cookie{{Name: "lang", Path: "/", MaxAge: -1}})
		answer, body := test.by.do(test.method, test.path, nil, "Accept-Language", test.accept)
		if answer.StatusCode != test.status || !strings.Contains(body, test.says) || !strings.Contains(body, test.menu) {
			t.Errorf("%s: got %s, want %q and %s in\n%s", name, answer.Status, test.says, test.menu, body)
		}
	}
}

// The bytes that a first visit loads over the wire, without media.
func TestAFirstVisitIsLight(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "1"})
	b := newReader(t, s)
	b.post("/cuenta/registro", signUpForm("ana@example.com"))
	ana := must(signIn(s.URL, "ana@example.com"))(t)
	id := ana.mustUpload(t, s.URL, mediatest.Clip(t, mediatest.Spec{}))
	ana.waitFor(t, s.URL, id, "processed")
	ana.publish(t, s.URL, id)
	links := regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"|url\("(fonts/[^"]+)"\)`)
	for _, path := range []string{
		"/", "/v/1", "/ranking", "/p/1", "/mis-videos", "/cuenta", "/cuenta/registro", "/cuenta/entrar", "/sin-conexion",
	} {
		answer, page := b.do("GET", path, nil, "Accept-Encoding", "gzip")
		total, seen := len(page), map[string]bool{}
		z, err := gzip.NewReader(strings.NewReader(page))
		if err != nil {
			t.Fatalf("%s: %s: %v", path, answer.Status, err)
		}
		plain, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range links.FindAllStringSubmatch(string(plain)+`url("fonts/barlow-condensed-600.woff2")`, -1) {
			file := m[1]
			if file == "" {
				file = "/static/" + m[2]
			}
			icon := strings.HasSuffix(file, ".ico") || strings.HasSuffix(file, "touch-icon.png") // browsers fetch only one of the two
			name := file[strings.LastIndex(file, "/")+1:]
			if !seen[name] && !icon {
				seen[name] = true
				_, body := b.do("GET", file, nil, "Accept-Encoding", "gzip")
				total += len(body)
			}
		}
		if total > 100_000 || total < 20_000 {
			t.Errorf("%s: %d bytes over %d files", path, total, len(seen))
		}
	}
}

func TestTheSiteChangesTheProfile(t *testing.T) {
	t.Parallel()
	b := newReader(t, apptest.Start(t, apptest.Settings{"WORKERS": "0"}))
	b.post("/cuenta/registro", signUpForm("ana@example.com"))
	form := url.Values{"first_name": {"Anaïs"}, "last_name": {"Ñáñez <b>"}, "city": {"San José"}, "country": {"Costa Rica"}}

	answer, body := b.post("/cuenta", form)

	if answer.Request.URL.RequestURI() != "/cuenta?guardado=1" || !strings.Contains(body, "Cambios guardados.") ||
		!strings.Contains(body, `value="Ñáñez &lt;b&gt;"`) || !strings.Contains(body, `value="San José"`) {
		t.Errorf("saving leads to %s:\n%s", answer.Request.URL, body)
	}
	form.Set("first_name", " ")
	form.Set("city", "Cartago")
	answer, body = b.post("/cuenta", form)
	if answer.StatusCode < 400 || !strings.Contains(body, `aria-describedby="first_name-fault"`) || !strings.Contains(body, `value="Cartago"`) {
		t.Errorf("a blank name: got %s\n%s", answer.Status, body)
	}
	if _, body := b.do("GET", "/p/1", nil); !strings.Contains(body, "Anaïs Ñáñez &lt;b&gt;") || !strings.Contains(body, "San José") {
		t.Errorf("the public page: %s", body)
	}
}

func TestTheSiteRetriesAVideo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "1", "DATA_DIR": dir})
	newReader(t, s).post("/cuenta/registro", signUpForm("ana@example.com"))
	ana := must(signIn(s.URL, "ana@example.com"))(t)
	id := ana.mustUpload(t, s.URL, apptest.Ruined(t))
	ana.waitFor(t, s.URL, id, "failed")
	check(t, s.Stop())
	s = apptest.Start(t, apptest.Settings{"WORKERS": "0", "DATA_DIR": dir})
	b, other := newReader(t, s), newReader(t, s)
	b.post("/cuenta/entrar", url.Values{"email": {"ana@example.com"}, "password": {password}})
	other.post("/cuenta/registro", signUpForm("luis@example.com"))
	if _, body := b.do("GET", "/mis-videos", nil); !strings.Contains(body, `action="/mis-videos/1/reintentar"`) {
		t.Errorf("nothing to try again with: %s", body)
	}
	if answer, _ := other.post("/mis-videos/1/reintentar", nil); answer.StatusCode != 403 {
		t.Errorf("somebody else: got %s", answer.Status)
	}

	answer, body := b.post("/mis-videos/1/reintentar", nil)

	if answer.Request.URL.Path != "/mis-videos" || strings.Contains(body, "reintentar") {
		t.Errorf("leads to %s:\n%s", answer.Request.URL, body)
	}
	if got := ana.video(t, s.URL, id).Status; got != "uploaded" {
		t.Errorf("the video is %s", got)
	}
	if answer, _ := b.post("/mis-videos/1/reintentar", nil); answer.StatusCode != 400 {
		t.Errorf("once more: got %s", answer.Status)
	}
}

func TestResumableUploads(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "MAX_UPLOAD_BYTES": "1000000"})
	b := newReader(t, s)
	b.post("/cuenta/registro", signUpForm("ana@example.com"))
	begin := func(b *reader, title string, size int) (*http.Response, string) {
		return b.do("POST", "/api/uploads/", nil, "Tus-Resumable", "1.0.0", "Upload-Length", strconv.Itoa(size),
			"Upload-Metadata", "title "+base64.StdEncoding.EncodeToString([]byte(title)))
	}
	patch := func(b *reader, path string, offset int, body []byte) (*http.Response, string) {
		return b.do("PATCH", path, bytes.NewReader(body), "Tus-Resumable", "1.0.0", "Upload-Offset", strconv.Itoa(offset),
			"Content-Type", "application/offset+octet-stream")
	}
	if answer, _ := begin(newReader(t, s), "x", 10); answer.StatusCode != 401 {
		t.Errorf("signed out: got %d", answer.StatusCode)
	}
	if answer, body := begin(b, " ", 10); answer.StatusCode != 422 || !strings.Contains(body, "body.title") {
		t.Errorf("a blank title: got %d %s", answer.StatusCode, body)
	}
	if answer, _ := begin(b, "x", 1_000_001); answer.StatusCode != 413 {
		t.Errorf("too large: got %d", answer.StatusCode)
	}
	png := "title eA==,filetype " + base64.StdEncoding.EncodeToString([]byte("image/png"))
	if answer, body := b.do("POST", "/api/uploads/", nil, "Tus-Resumable", "1.0.0", "Upload-Length", "10",
		"Upload-Metadata", png); answer.StatusCode != 400 || !strings.Contains(body, "un tipo que no es") {
		t.Errorf("a picture: got %d %s", answer.StatusCode, body)
	}
	made, _ := begin(b, "Bandeja", 10)
	path := made.Header.Get("Location")
	if made.StatusCode != 201 || !strings.HasPrefix(path, "/api/uploads/") {
		t.Fatalf("got %s, Location %q", made.Status, path)
	}
	if answer, _ := patch(b, path, 0, []byte("12345")); answer.StatusCode != 204 || answer.Header.Get("Upload-Offset") != "5" {
		t.Errorf("the first half: got %s", answer.Status)
	}
	other := newReader(t, s)
	other.post("/cuenta/registro", signUpForm("luis@example.com"))
	for _, method := range []string{"HEAD", "PATCH", "DELETE"} {
		if answer, _ := other.do(method, path, nil, "Tus-Resumable", "1.0.0"); answer.StatusCode != 404 {
			t.Errorf("%s of another's upload: got %s", method, answer.Status)
		}
	}
	if answer, body := patch(b, path, 5, []byte("67890")); answer.StatusCode != 400 || !strings.Contains(body, "MP4 o MOV") {
		t.Errorf("what is no video: got %s %s", answer.Status, body)
	}
	if answer, _ := b.do("HEAD", path, nil, "Tus-Resumable", "1.0.0"); answer.StatusCode != 404 {
		t.Errorf("after the refusal: got %s", answer.Status)
	}
	_, page := b.do("GET", "/metrics", nil)
	contains(t, page, `risingstars_uploads_total{outcome="refused"} 3`, `risingstars_upload_refusals_total{reason="invalid_form"} 1`,
		`risingstars_upload_refusals_total{reason="declared_other"} 1`,
		`risingstars_upload_refusals_total{reason="not_a_video"} 1`, "risingstars_upload_bytes_total 10\n")

	// The creation request may contain the whole upload (creation-with-upload); it is inspected like any other.
	answer, body := b.do("POST", "/api/uploads/", strings.NewReader("1234567890"), "Tus-Resumable", "1.0.0", "Upload-Length", "10",
		"Upload-Metadata", "title eA==", "Content-Type", "application/offset+octet-stream")
	if answer.StatusCode != 400 || !strings.Contains(body, "MP4 o MOV") {
		t.Errorf("what is no video, in one request: got %s %s", answer.Status, body)
	}
}

// The connection ends after the last byte and before the answer. The client repeats the request and gets the video;
// it exists once.
func TestTheLastAnswerOfAnUploadIsLost(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	b, other := newReader(t, s), newReader(t, s)
	b.post("/cuenta/registro", signUpForm("ana@example.com"))
	other.post("/cuenta/registro", signUpForm("luis@example.com"))
	data := must(os.ReadFile(mediatest.Clip(t, mediatest.Spec{})))(t)
	size := strconv.Itoa(len(data))
	made, _ := b.do("POST", "/api/uploads/", nil, "Tus-Resumable", "1.0.0", "Upload-Length", size,
		"Upload-Metadata", "title "+base64.StdEncoding.EncodeToString([]byte("Bandeja")))
	path := made.Header.Get("Location")
	ask := func(b *reader, method, offset string) (string, http.Header) {
		answer, _ := b.do(method, path, nil, "Tus-Resumable", "1.0.0", "Upload-Offset", offset, "Content-Type", "application/offset+octet-stream")
		return answer.Status[:3], answer.Header
	}

	b.sendAndLeave("PATCH", path, data, "Tus-Resumable", "1.0.0", "Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")

	ana := must(signIn(s.URL, "ana@example.com"))(t)
	testserver.Eventually(t, "the upload has become a video", func() bool { return len(ana.videos(t, s.URL)) > 0 })
	status, head := ask(b, "HEAD", "")
	if status != "200" || head.Get("Upload-Offset") != size || head.Get("Upload-Length") != size || head.Get("Video-Id") != "1" {
		t.Errorf("HEAD: got %s %v", status, head)
	}
	if status, header := ask(b, "PATCH", size); status != "204" || header.Get("Upload-Offset") != size || header.Get("Video-Id") != "1" {
		t.Errorf("PATCH: got %s %v", status, header)
	}
	for what, got := range map[string]string{
		"404, HEAD by another": first(ask(other, "HEAD", "")), "404, PATCH by another": first(ask(other, "PATCH", size)),
		"409, PATCH from 0": first(ask(b, "PATCH", "0")), "404, DELETE": first(ask(b, "DELETE", "")),
	} {
		if got != what[:3] {
			t.Errorf("%s: got %s", what, got)
		}
	}
	if list := ana.videos(t, s.URL); len(list) != 1 {
		t.Errorf("got %d videos: %v", len(list), list)
	}
	if left := files(t, filepath.Join(s.DataDir, "uploads")); len(left) != 0 {
		t.Errorf("pieces were left: %v", left)
	}
}

// sendAndLeave sends a whole request and disconnects before the answer.
func (b *reader) sendAndLeave(method, path string, body []byte, header ...string) {
	b.t.Helper()
	u := mustParse(b.t, b.base+path)
	r := must(http.NewRequestWithContext(b.t.Context(), method, u.String(), bytes.NewReader(body)))(b.t)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for _, c := range b.http.Jar.Cookies(u) {
		r.AddCookie(c)
	}
	conn := must(new(net.Dialer).DialContext(b.t.Context(), "tcp", u.Host))(b.t)
	check(b.t, errors.Join(r.Write(conn), conn.Close()))
}

func first[A, B any](a A, _ B) A { return a }

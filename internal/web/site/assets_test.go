package site

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func get(t *testing.T, h http.Handler, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestStaticCaching(t *testing.T) {
	t.Parallel()
	templates, err := NewTemplates()
	if err != nil {
		t.Fatal(err)
	}
	lasting, err := templates.assets.url("site.css")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ target, cache string }{
		{lasting, "public, max-age=31536000, immutable"},
		{"/static/site.css", "no-cache"},
		{"/static/v-000000000000/site.css", "no-cache"}, // the version of another release
	}
	for _, test := range tests {
		first := get(t, templates.Static(), test.target)
		if first.StatusCode != 200 || first.Header.Get("Cache-Control") != test.cache {
			t.Errorf("%s: got %d, Cache-Control %q; want 200, %q", test.target, first.StatusCode, first.Header.Get("Cache-Control"), test.cache)
		}
		again := get(t, templates.Static(), test.target, "If-None-Match", first.Header.Get("ETag"))
		if again.StatusCode != 304 {
			t.Errorf("%s with its ETag: got %d, want 304", test.target, again.StatusCode)
		}
	}
}

func TestStaticServesEveryFileByItsType(t *testing.T) {
	t.Parallel()
	templates, err := NewTemplates()
	if err != nil {
		t.Fatal(err)
	}
	for name := range templates.assets.files {
		got := get(t, templates.Static(), "/static/"+name)
		if want := contentTypes[path.Ext(name)]; got.StatusCode != 200 || got.Header.Get("Content-Type") != want {
			t.Errorf("%s: got %d %q, want 200 %q", name, got.StatusCode, got.Header.Get("Content-Type"), want)
		}
	}
}

func TestStaticRefusals(t *testing.T) {
	t.Parallel()
	templates, err := NewTemplates()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		method, target string
		want           int
	}{
		{"GET", "/static/", 404},
		{"GET", "/static/fonts", 404},
		{"GET", "/static/nothing.css", 404},
		{"GET", "/static/../template.go", 404},
		{"GET", "/static/v-1", 404},
	}
	for _, test := range tests {
		w := httptest.NewRecorder()
		templates.Static().ServeHTTP(w, httptest.NewRequest(test.method, test.target, nil))
		var body struct{ Detail string }
		err := json.Unmarshal(w.Body.Bytes(), &body)
		if w.Code != test.want || w.Header().Get("Content-Type") != "application/problem+json" || err != nil || body.Detail == "" {
			t.Errorf("%s %s: got %d %q %s, want a problem %d", test.method, test.target, w.Code, w.Header().Get("Content-Type"), w.Body, test.want)
		}
	}
}

// A wrong URL in the style sheet would show only as a missing font or image.
func TestEveryFileTheSheetNamesExists(t *testing.T) {
	t.Parallel()
	templates, err := NewTemplates()
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`url\("([^"]+)"\)`).FindAllSubmatch(templates.assets.files["site.css"].content, -1) {
		if _, ok := templates.assets.files[string(found[1])]; !ok {
			t.Errorf("site.css names %s, which is not there", found[1])
		}
	}
}

func TestTheVersionFollowsContent(t *testing.T) {
	t.Parallel()
	versions := map[string]bool{}
	for _, files := range []fstest.MapFS{
		{"a.css": {Data: []byte("1")}},
		{"a.css": {Data: []byte("2")}},
		{"b.css": {Data: []byte("1")}},
	} {
		a, err := loadAssets(files)
		if err != nil {
			t.Fatal(err)
		}
		versions[a.version] = true
	}
	if len(versions) != 3 {
		t.Errorf("got %d versions of 3 contents", len(versions))
	}
}

// The vendored browser libraries are those that scripts/vendor-browser copies from npm, at the versions of the lock
// file.
func TestBrowserLibrariesAreThoseOfTheLockFile(t *testing.T) {
	t.Parallel()
	const modules = "../../../tests/browser/node_modules/"
	licences, err := staticFiles.ReadFile("static/LICENSES.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"htmx.org": "dist/htmx.min.js", "htmx-ext-sse": "dist/sse.min.js", "tus-js-client": "dist/tus.min.js",
	} {
		if version := lockedVersion(t, name); !strings.Contains(string(licences), name+" "+version+"\n") {
			t.Errorf("the licences are not of %s %s", name, version)
		}
		want, err := os.ReadFile(modules + name + "/" + file)
		if errors.Is(err, os.ErrNotExist) && os.Getenv("CI") == "" {
			t.Skip("tests/browser/node_modules is not there: scripts/setup test installs it")
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := staticFiles.ReadFile("static/" + path.Base(file))
		if err != nil {
			t.Fatal(err)
		}
		if plain, _, _ := strings.Cut(string(want), "//# sourceMappingURL="); strings.TrimSpace(plain) != strings.TrimSpace(string(got)) {
			t.Errorf("%s is not the one of npm: run scripts/vendor-browser", path.Base(file))
		}
	}
}

func lockedVersion(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../../tests/browser/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct{ Version string }
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		t.Fatal(err)
	}
	return lock.Packages["node_modules/"+name].Version
}

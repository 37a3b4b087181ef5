package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAlive(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	Alive(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != `"ok"` || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}

func TestRoot(t *testing.T) {
	t.Parallel()
	page := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<h1>page</h1>") }
	tests := map[string]string{
		"":                    `"Healthcheck"`,
		"*/*":                 `"Healthcheck"`,
		"application/json":    `"Healthcheck"`,
		"text/plain":          `"Healthcheck"`,
		"text/html":           "<h1>page</h1>",
		"text/html,*/*;q=0.8": "<h1>page</h1>",
	}
	for accept, want := range tests {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Accept", accept)
			Root(page)(w, r)
			if diff := cmp.Diff(want, strings.TrimSpace(w.Body.String())); w.Code != 200 || diff != "" {
				t.Errorf("got %d (-want +got):\n%s", w.Code, diff)
			}
			if got := w.Header().Get("Vary"); !strings.Contains(got, "Accept") {
				t.Errorf("got Vary %q", got)
			}
		})
	}
}

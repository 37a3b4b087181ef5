package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

func TestReadyAsksOnceASecond(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	var down atomic.Bool
	at := time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC)
	ready := Ready(func() time.Time { return at }, []Check{{Name: "storage", Run: func(context.Context) error {
		asked.Add(1)
		if down.Load() {
			return errors.New("the disk is full")
		}
		return nil
	}}})
	ask := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		ready(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return w
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if w := ask(); w.Code != http.StatusOK {
				t.Errorf("got %d", w.Code)
			}
		})
	}
	all.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("of 50 who asked at once, %d checked", n)
	}

	down.Store(true)
	at = at.Add(readyFor)
	w := ask()
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "storage") || strings.Contains(w.Body.String(), "full") {
		t.Errorf("a second later: got %d %s", w.Code, w.Body)
	}
	if ask(); asked.Load() != 2 {
		t.Errorf("the bad answer was not kept: %d checks", asked.Load())
	}
	at = at.Add(-time.Hour) // the clock was corrected
	if ask(); asked.Load() != 3 {
		t.Errorf("an answer of the future was given: %d checks", asked.Load())
	}
}

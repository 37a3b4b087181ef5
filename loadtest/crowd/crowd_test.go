package crowd_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/loadtest/crowd"
	"risingstars/loadtest/journal"
)

// The crowd must notice a platform that breaks its promises, which the real one does not do: so here it is a handler.

// runCrowd lets one user at a handler until enough requests are answered, and returns the journal.
func runCrowd(t *testing.T, scenario string, enough int, handler http.HandlerFunc) []journal.Entry {
	t.Helper()
	answered := make(chan struct{}, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler(w, r)
		answered <- struct{}{}
	}))
	t.Cleanup(server.Close)
	o := crowd.Options{
		Scenario: scenario, URL: server.URL, Journal: filepath.Join(t.TempDir(), "journal"), Users: 1, Hold: time.Hour,
		Accounts: []crowd.Account{{Email: "ana@example.com", Token: "a"}, {Email: "beto@example.com", Token: "b"}},
		VideoIDs: []int64{7, 8},
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var run sync.WaitGroup
	run.Go(func() {
		if err := crowd.Run(ctx, o); err != nil {
			t.Error(err)
		}
	})
	for range enough {
		<-answered
	}
	stop()
	run.Wait()
	entries, err := journal.ReadFile(o.Journal)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// Two accounts and two videos make four votes, of which the first is sent twice and followed by the ranking.
func TestVotes(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	voted := map[string]bool{}
	got := runCrowd(t, crowd.Votes, 6, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		vote := r.Header.Get("Authorization") + r.URL.Path
		switch {
		case r.URL.Path == "/api/public/rankings":
			_, _ = w.Write([]byte(`[{"position":1,"votes":2},{"position":2,"votes":1}]`))
		case voted[vote]:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"detail":"You have already voted for this video"}`))
		default:
			voted[vote] = true
			_, _ = w.Write([]byte(`{"message":"Vote successfully registered","votes":1}`))
		}
	})

	var lines []string
	for _, e := range got {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %d %s %d %t %s", e.Call, e.Status, e.Account, e.VideoID, e.AlreadyVoted, e.Fault)))
	}
	want := []string{
		"vote 200 ana@example.com 7 false", "second vote 400 ana@example.com 7 true", "ranking 200  0 false",
		"vote 200 beto@example.com 7 false", "vote 200 ana@example.com 8 false", "vote 200 beto@example.com 8 false",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Each answer breaks the promise for the first vote in one way.
func TestFaultsOfVotes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		answer func(http.ResponseWriter)
		want   string
	}{
		"another message": {func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"message":"ok","votes":1}`)) }, "body: another message"},
		"no votes": {
			func(w http.ResponseWriter) {
				_, _ = w.Write([]byte(`{"message":"Vote successfully registered","votes":0}`))
			},
			"body: no votes after a vote",
		},
		"no JSON":     {func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) }, "body: not the JSON that was promised"},
		"unavailable": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }, "status 503"},
		"cut": {
			func(w http.ResponseWriter) { w.Header().Set("Content-Length", "100"); _, _ = w.Write([]byte("{")) },
			"connection: closed",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runCrowd(t, crowd.Votes, 1, func(w http.ResponseWriter, _ *http.Request) { c.answer(w) })
			if len(got) == 0 || got[0].Fault != c.want {
				t.Errorf("got %+v, want the fault %q", got, c.want)
			}
		})
	}
}

// A viewer of a gallery that is as promised finds no fault, whatever it asks for.
func TestGallery(t *testing.T) {
	t.Parallel()
	got := runCrowd(t, crowd.Gallery, 5, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			_, _ = w.Write([]byte("<html></html>"))
		case "/api/public/videos":
			_, _ = w.Write([]byte(`[{"processed_url":"/clip","poster_url":"/poster"}]`))
		case "/api/public/rankings":
			_, _ = w.Write([]byte(`[{"position":1,"votes":0}]`))
		case "/poster":
			w.Header().Set("Content-Type", "image/jpeg")
		case "/clip":
			w.Header().Set("Content-Range", "bytes 0-4/5")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write([]byte("piece"))
		}
	})
	for _, e := range got {
		if e.Fault != "" {
			t.Errorf("%s: %s", e.Call, e.Fault)
		}
	}
}

// A file ends a run that would go on for an hour.
func TestStopFile(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	dir := t.TempDir()
	o := crowd.Options{
		Scenario: crowd.Gallery, URL: server.URL, Journal: filepath.Join(dir, "journal"), Users: 1, Hold: time.Hour, StopFile: filepath.Join(dir, "stop"),
	}
	if err := os.WriteFile(o.StopFile, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := crowd.Run(t.Context(), o); err != nil {
		t.Error(err)
	}
}

func TestUnknownScenario(t *testing.T) {
	t.Parallel()
	if err := crowd.Run(t.Context(), crowd.Options{Scenario: "dance"}); err == nil {
		t.Error("no error")
	}
}

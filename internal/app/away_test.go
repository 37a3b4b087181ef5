package app_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"risingstars/internal/testserver"
)

// While the database is unavailable or hangs, public pages are served from the cache and everything else is 503.
// Afterwards everything works again.
func TestPublicPagesWithoutADatabase(t *testing.T) {
	t.Parallel()
	f, network := newBaseBehindNetwork(t)
	f.serveAll(1)
	star, id, people := f.publicVideo(1)
	base := f.web[0].url
	public := []string{"/", "/ranking", fmt.Sprintf("/v/%d", id), "/api/public/videos", "/api/public/rankings"}
	for _, path := range public {
		if status, _, _ := page(t, base+path); status != http.StatusOK {
			t.Fatalf("%s: %d", path, status)
		}
	}
	clip := *star.video(t, base, id).ProcessedURL
	if status, _, _ := page(t, clip); status != http.StatusOK {
		t.Fatalf("the clip: %d", status)
	}
	for name, harm := range map[string]struct{ take, give func() }{
		"hangs":   {func() { network.Hang(true) }, func() { network.Hang(false) }},
		"is away": {func() { f.postgres.Stop(syscall.SIGINT) }, func() { f.postgres.Start(t) }},
	} {
		vote := fmt.Sprintf("%s/api/public/videos/%d/vote", base, id)
		well := func() {
			testserver.Eventually(t, "all is well again", func() bool {
				status, header, _ := page(t, base+"/api/public/rankings")
				return status == http.StatusOK && header.Get("Age") == ""
			})
		}
		harm.take()
		refused(t, http.MethodPost, vote, star.token)
		testserver.Eventually(t, "calls are refused where it "+name, func() bool {
			status, _, _ := page(t, base+"/api/public/videos?q=unknown")
			return status == http.StatusServiceUnavailable
		})
		for _, path := range public {
			testserver.Eventually(t, path+" is of a while ago where it "+name, func() bool {
				status, header, body := page(t, base+path)
				if status != http.StatusOK || !strings.Contains(body, "Ana Ruiz") {
					t.Errorf("%s where it %s: %d", path, name, status)
				}
				return header.Get("Age") != ""
			})
		}
		if status, _, _ := page(t, clip); status != http.StatusOK {
			t.Errorf("the clip where it %s: %d", name, status)
		}
		for _, call := range [][2]string{
			{http.MethodGet, "/api/videos"}, {http.MethodPost, fmt.Sprintf("/api/public/videos/%d/vote", id)}, {http.MethodPost, "/api/videos/upload"},
		} {
			refused(t, call[0], base+call[1], star.token)
		}
		harm.give()
		well()
	}
	check(t, people[0].vote(base, id))
}

// refused checks that a request that needs the database gets a 503 with Retry-After while the database is
// unavailable.
func refused(tb testing.TB, method, url, token string) {
	tb.Helper()
	answer := answerTo(tb, method, url, token)
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		tb.Errorf("%s: %s, Retry-After %q", url, answer.Status, answer.Header.Get("Retry-After"))
	}
}

// BenchmarkRefusalWithoutADatabase measures how long a request waits for its 503 while the database hangs.
// docs/operations.md promises two seconds for requests before the health monitor has noticed.
func BenchmarkRefusalWithoutADatabase(b *testing.B) {
	f, network := newBaseBehindNetwork(b)
	f.serveAll(1)
	star := newPlayer(b, f.web[0].url, "star@example.com")
	vote := f.web[0].url + "/api/public/videos/1/vote"
	network.Hang(true)
	began := time.Now()
	refused(b, http.MethodPost, vote, star.token)
	first := time.Since(began)
	for b.Loop() {
		refused(b, http.MethodPost, vote, star.token)
	}
	b.ReportMetric(first.Seconds(), "s/first")
}

// newBaseBehindNetwork returns a fleet without processes that reaches its own database through a network, which can
// hang.
func newBaseBehindNetwork(tb testing.TB) (*fleet, *testserver.Network) {
	tb.Helper()
	f := newBaseOnItsOwn(tb)
	direct := must(url.Parse(f.settings["DATABASE_URL"]))(tb)
	network := testserver.NewNetwork(tb, direct.Host)
	f.settings["DATABASE_URL"] = strings.Replace(direct.String(), direct.Host, network.Addr, 1)
	return f, network
}

// page sends a request like a browser without a session.
func page(tb testing.TB, url string) (status int, header http.Header, body string) {
	tb.Helper()
	request := must(http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil))(tb)
	request.Header.Set("Accept", "text/html,*/*")
	answer := must(httpClient.Do(request))(tb)
	defer answer.Body.Close()
	return answer.StatusCode, answer.Header, string(must(io.ReadAll(answer.Body))(tb))
}

func answerTo(tb testing.TB, method, url, token string) *http.Response {
	tb.Helper()
	request := must(http.NewRequestWithContext(tb.Context(), method, url, nil))(tb)
	request.Header.Set("Authorization", "Bearer "+token)
	answer := must(httpClient.Do(request))(tb)
	check(tb, answer.Body.Close())
	return answer
}

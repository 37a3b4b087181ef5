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

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// While the database is away, or hangs, what was public stays so, everything else is 503, and all is well again after.
func TestPublicPagesWithoutADatabase(t *testing.T) {
	t.Parallel()
	f := newBase(t)
	direct := must(url.Parse(f.settings["DATABASE_URL"]))(t)
	network := testserver.NewNetwork(t, direct.Host)
	f.settings["DATABASE_URL"] = strings.Replace(direct.String(), direct.Host, network.Addr, 1)
	f.web = append(f.web, f.serve(testserver.FreeAddr(t), nil))
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
		harm.take()
		apptest.Eventually(t, 10*time.Second, "calls are refused where it "+name, func() bool {
			status, _, _ := page(t, base+"/api/public/videos?q=unknown")
			return status == http.StatusServiceUnavailable
		})
		for _, path := range public {
			apptest.Eventually(t, 10*time.Second, path+" is of a while ago where it "+name, func() bool {
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
			began := time.Now()
			answer := answerTo(t, call[0], base+call[1], star.token)
			if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
				t.Errorf("%s where it %s: %s, Retry-After %q", call[1], name, answer.Status, answer.Header.Get("Retry-After"))
			}
			t.Logf("%s where it %s: told after %s", call[1], name, time.Since(began).Round(time.Millisecond))
		}
		harm.give()
		apptest.Eventually(t, patience, "all is well again", func() bool {
			status, header, _ := page(t, base+"/api/public/rankings")
			return status == http.StatusOK && header.Get("Age") == ""
		})
	}
	check(t, people[0].vote(base, id))
}

// page asks as a browser does that nobody has signed in with.
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

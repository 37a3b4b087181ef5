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
		vote := fmt.Sprintf("%s/api/public/videos/%d/vote", base, id)
		well := func() {
			apptest.Eventually(t, patience, "all is well again", func() bool {
				status, header, _ := page(t, base+"/api/public/rankings")
				return status == http.StatusOK && header.Get("Age") == ""
			})
		}
		harm.take()
		soon(t, "the first where it "+name, func() time.Duration { return refused(t, http.MethodPost, vote, star.token) }, func() {
			harm.give()
			well()
			harm.take()
		})
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
			soon(t, call[1]+" where it "+name, func() time.Duration { return refused(t, call[0], base+call[1], star.token) }, func() {})
		}
		harm.give()
		well()
	}
	check(t, people[0].vote(base, id))
}

// refused asks for what there is a database needed for, and returns how long the refusal took.
func refused(t *testing.T, method, url, token string) time.Duration {
	t.Helper()
	began := time.Now()
	answer := answerTo(t, method, url, token)
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("%s: %s, Retry-After %q", url, answer.Status, answer.Header.Get("Retry-After"))
	}
	return time.Since(began)
}

// soon fails where what is promised within 2 s takes more than 3 at the best of three: others use the machine as well.
// again puts things back as they were before a try.
func soon(t *testing.T, what string, try func() time.Duration, again func()) {
	t.Helper()
	const most = 3 * time.Second
	for round := range 3 {
		if round > 0 {
			again()
		}
		took := try()
		t.Logf("%s, round %d: told after %s", what, round, took.Round(time.Millisecond))
		if took <= most {
			return
		}
	}
	t.Errorf("%s: never told within %s", what, most)
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

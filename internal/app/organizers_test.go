package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

const organizerPassword = "una-clave-larga-ñ-y-buena"

// engines returns the settings of each database engine.
func engines() map[string]func(testing.TB) apptest.Settings {
	return map[string]func(testing.TB) apptest.Settings{
		"sqlite":   func(testing.TB) apptest.Settings { return apptest.Settings{} },
		"postgres": apptest.OnPostgres,
	}
}

// ask sends a request to a page for organizers. headers alternates names and values.
func ask(tb testing.TB, method, url, user, pass string, headers ...string) (answer *http.Response, body string) {
	tb.Helper()
	request := must(http.NewRequestWithContext(tb.Context(), method, url, strings.NewReader(`{"ids":["1"]}`)))(tb)
	request.Header.Set("Accept-Language", "en")
	if user != "" {
		request.SetBasicAuth(user, pass)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer = must(httpClient.Do(request))(tb)
	defer answer.Body.Close()
	return answer, string(must(io.ReadAll(answer.Body))(tb))
}

// Organizers see the queue's jobs in River's web interface on both engines. All other users are refused.
func TestOrganizersJobs(t *testing.T) {
	t.Parallel()
	for name, engine := range engines() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := engine(t)
			settings["ORGANIZER_PASSWORD"], settings["WORKERS"] = organizerPassword, "0"
			server := apptest.Start(t, settings)
			pages := server.URL + "/organizers/jobs/"
			newPlayer(t, server.URL, "ana@example.com").mustUpload(t, server.URL, mediatest.Clip(t, mediatest.Spec{}))

			wantPages(t, pages)
			wantChanges(t, pages)
			wantClosed(t, pages)
			if strings.Contains(server.Log()+server.Screen(), organizerPassword) {
				t.Error("the password is shown")
			}
		})
	}
}

type listedJob struct {
	ID                 int64
	Kind, Queue, State string
}

// wantPages checks that the page has its own content security policy, with and without the trailing slash, and that
// its API lists the job.
func wantPages(t *testing.T, pages string) {
	t.Helper()
	for _, url := range []string{pages, strings.TrimSuffix(pages, "/"), pages + "jobs/1"} {
		answer, body := ask(t, http.MethodGet, url, "organizer", organizerPassword)
		got := []any{answer.StatusCode, answer.Header.Get("Cache-Control"), strings.Contains(body, `src="/organizers/jobs/assets/`)}
		if diff := cmp.Diff([]any{http.StatusOK, "no-store", true}, got); diff != "" {
			t.Errorf("%s: status, Cache-Control and page (-want +got):\n%s", url, diff)
		}
		contains(t, answer.Header.Get("Content-Security-Policy"), "style-src 'self' 'unsafe-inline'", "frame-ancestors 'none'")
	}
	_, body := ask(t, http.MethodGet, pages+"api/jobs?state=available", "organizer", organizerPassword)
	var list struct {
		Data []listedJob
	}
	check(t, json.Unmarshal([]byte(body), &list))
	want := []listedJob{{1, "process_video", "videos", "available"}}
	if diff := cmp.Diff(want, list.Data); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

// wantChanges checks that a job can be cancelled from the page, and not from a page of another site.
func wantChanges(t *testing.T, pages string) {
	t.Helper()
	for _, foreign := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}} {
		answer, _ := ask(t, http.MethodPost, pages+"api/jobs/cancel", "organizer", organizerPassword, foreign...)
		if answer.StatusCode != http.StatusForbidden || answer.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%v: got %s, %s", foreign, answer.Status, answer.Header.Get("Content-Type"))
		}
	}
	const job = "api/jobs/1"
	if _, body := ask(t, http.MethodGet, pages+job, "organizer", organizerPassword); !strings.Contains(body, `"state":"available"`) {
		t.Errorf("after refusals: got %s", body)
	}
	if answer, body := ask(t, http.MethodPost, pages+"api/jobs/retry", "organizer", organizerPassword); answer.StatusCode != http.StatusOK {
		t.Errorf("retry of a job that waits: got %s: %s", answer.Status, body)
	}
	answer, body := ask(t, http.MethodPost, pages+"api/jobs/cancel", "organizer", organizerPassword, "Sec-Fetch-Site", "same-origin")
	if answer.StatusCode != http.StatusOK {
		t.Errorf("cancel: got %s: %s", answer.Status, body)
	}
	if _, body := ask(t, http.MethodGet, pages+job, "organizer", organizerPassword); !strings.Contains(body, `"state":"cancelled"`) {
		t.Errorf("after the change: got %s", body)
	}
}

// A permanently failed job is retried from its page: its video gets a new job. A waiting job is kept.
func TestOrganizersRetry(t *testing.T) {
	t.Parallel()
	server := apptest.Start(t, apptest.Settings{"WORKERS": "1", "ORGANIZER_PASSWORD": organizerPassword})
	ana := newPlayer(t, server.URL, "ana@example.com")
	id := must(ana.upload(server.URL, "Triple", apptest.Ruined(t), func() {}))(t)
	ana.waitFor(t, server.URL, id, "failed")
	pages := server.URL + "/organizers/jobs/"
	cancelled := func(job string) func() bool {
		return func() bool {
			_, body := ask(t, http.MethodGet, pages+"api/jobs/"+job, "organizer", organizerPassword)
			return strings.Contains(body, `"state":"cancelled"`)
		}
	}
	testserver.Eventually(t, "the job has ended", cancelled("1"))

	answer, body := ask(t, http.MethodPost, pages+"api/jobs/retry", "organizer", organizerPassword)

	if answer.StatusCode != http.StatusOK || body != `{"status":"ok"}` {
		t.Errorf("got %s: %s", answer.Status, body)
	}
	testserver.Eventually(t, "the new job has failed as well", cancelled("2"))
}

// wantClosed checks that requests without the right password are refused.
func wantClosed(t *testing.T, pages string) {
	t.Helper()
	for _, url := range []string{pages, pages + "api/jobs", pages + "favicon.ico"} {
		for _, who := range [][2]string{{}, {"organizer", ""}, {"organizer", "x" + organizerPassword}, {"Organizer", organizerPassword}} {
			answer, body := ask(t, http.MethodGet, url, who[0], who[1])
			got := []string{answer.Status, answer.Header.Get("Content-Type"), answer.Header.Get("WWW-Authenticate"), answer.Header.Get("Cache-Control")}
			want := []string{"401 Unauthorized", "application/problem+json", `Basic realm="organizers", charset="UTF-8"`, "no-store"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s as %v (-want +got):\n%s", url, who, diff)
			}
			contains(t, body, "This page is the organizers': their password is needed.")
		}
	}
}

// After wrong passwords even the right one must wait. A request without credentials does not count as an attempt.
func TestOrganizersGuessing(t *testing.T) {
	t.Parallel()
	server := apptest.Start(t, apptest.Settings{"WORKERS": "0", "RATE_LIMIT": "on", "ORGANIZER_PASSWORD": organizerPassword})
	pages := server.URL + "/organizers/jobs/"
	var got []int
	try := func(times int, user, pass string) {
		for range times {
			answer, _ := ask(t, http.MethodGet, pages, user, pass)
			got = append(got, answer.StatusCode)
		}
	}
	try(12, "", "")
	try(1, "organizer", organizerPassword)
	try(10, "organizer", "wrong")
	try(1, "organizer", organizerPassword)

	want := []int{}
	for range 12 {
		want = append(want, 401)
	}
	want = append(want, 200)
	for range 10 {
		want = append(want, 401)
	}
	if diff := cmp.Diff(append(want, 429), got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

// Without a password there are no pages. A weak password is an error at start.
func TestOrganizersOff(t *testing.T) {
	t.Parallel()
	server := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	for _, path := range []string{"/organizers/jobs", "/organizers/jobs/", "/organizers/jobs/api/jobs"} {
		if answer, _ := ask(t, http.MethodGet, server.URL+path, "organizer", ""); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: got %s", path, answer.Status)
		}
	}
	_, err := run(t, apptest.Settings{"DATA_DIR": t.TempDir(), "ORGANIZER_PASSWORD": "hunter2"}, "serve")
	if err == nil || !strings.Contains(err.Error(), "ORGANIZER_PASSWORD: has 7 characters, must have 16 or more") {
		t.Errorf("a weak password: got %v", err)
	}
}

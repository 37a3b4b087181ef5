package api_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

func TestRoot(t *testing.T) {
	t.Parallel()
	c := visitor(t, shared())
	for _, accept := range []string{"", "*/*", "application/json", "text/plain"} {
		got := c.get("/", "Accept", accept)
		got.is(200, `"Healthcheck"`)
		if got.header.Get("Vary") == "" {
			t.Error("caches are not told that the answer varies")
		}
	}
	for lang, want := range map[string]string{"": `<html lang="es">`, "en": `<html lang="en">`} {
		got := c.in(lang).get("/", "Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
		if got.status != 200 || got.header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(got.body, want) {
			t.Errorf("got %d %s: %.200s", got.status, got.header.Get("Content-Type"), got.body)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	c := visitor(t, shared())
	c.get("/healthz").is(200, `"ok"`)
	c.get("/readyz").is(200, `"ready"`)
}

// A server that cannot write to its storage is not ready. It names the storage without its path, and is ready again
// when it can write.
func TestNotReadyWithoutStorage(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	c := visitor(t, s)
	folder := filepath.Join(s.DataDir, "media")
	if err := os.Rename(folder, folder+"-elsewhere"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}

	becomesReady(t, c, http.StatusServiceUnavailable)
	c.get("/readyz").refuses(refusal{503, "No responde: storage", nil})
	c.in("en").get("/readyz").refuses(refusal{503, "Not answering: storage", nil})
	c.get("/healthz").is(200, `"ok"`)
	if !strings.Contains(s.Log(), folder) {
		t.Error("the log does not say why")
	}
	failing := newPlayer(t, s, "")
	got := failing.upload(title("Triple"), video(clip(t)))
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || strings.Contains(got.body, "videos/") {
		t.Errorf("got %d with Retry-After %q: %s", got.status, got.header.Get("Retry-After"), got.body)
	}
	testserver.Eventually(t, "the log says why", func() bool { return strings.Contains(s.Log(), "store the original") })

	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(folder+"-elsewhere", folder); err != nil {
		t.Fatal(err)
	}
	becomesReady(t, c, http.StatusOK)
	if found := traces(t, s); len(found) > 0 {
		t.Errorf("left behind: %v", found)
	}
	failing.uploaded("Triple")
}

// A server whose database has lost a table is not ready.
func TestNotReadyWithoutDatabase(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	c := visitor(t, s)
	change(t, s, `DROP TABLE river_job`)

	becomesReady(t, c, http.StatusServiceUnavailable)
	c.get("/readyz").refuses(refusal{503, "No responde: database", nil})

	c.get("/healthz").is(200, `"ok"`)
}

// becomesReady waits for a status of /readyz, because the checks run at most once a second.
func becomesReady(t *testing.T, c client, status int) {
	t.Helper()
	testserver.Eventually(t, fmt.Sprint("/readyz is ", status), func() bool { return c.get("/readyz").status == status })
}

var (
	requestID       = regexp.MustCompile(`"request_id":"([\w-]+)"`)
	requestIDOnPage = regexp.MustCompile(`<code>([\w-]+)</code>`)
)

// checkInternal checks that a 500 reveals nothing internal, and that the log has its cause under its request id.
func checkInternal(t *testing.T, s *apptest.Server, got answer) {
	t.Helper()
	got.refuses(refusal{500, "Error interno. Si se repite, avisa a la organización con el identificador de la solicitud.", nil})
	checkInside(t, s, got, requestID)
}

// checkInternalPage is checkInternal for a page.
func checkInternalPage(t *testing.T, s *apptest.Server, got answer) {
	t.Helper()
	if got.status != 500 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") || !strings.Contains(got.body, "Algo falló de nuestro lado.") {
		t.Errorf("got %d %s: %s", got.status, got.header.Get("Content-Type"), got.body)
	}
	checkInside(t, s, got, requestIDOnPage)
}

func checkInside(t *testing.T, s *apptest.Server, got answer, requestID *regexp.Regexp) {
	t.Helper()
	for _, inside := range []string{s.DataDir, "SELECT", "INSERT", "sqlite", "SQL", "goroutine", ".go", "no such"} {
		if strings.Contains(got.body, inside) {
			t.Errorf("the answer has %q: %s", inside, got.body)
		}
	}
	m := requestID.FindStringSubmatch(got.body)
	if m == nil || m[1] != got.header.Get("X-Request-Id") {
		t.Fatalf("got %s and X-Request-Id %q", got.body, got.header.Get("X-Request-Id"))
	}
	testserver.Eventually(t, "the cause is in the log", func() bool {
		for line := range strings.Lines(s.Log()) {
			if strings.Contains(line, "request_id="+m[1]) && strings.Contains(line, "level=ERROR") && strings.Contains(line, " error=") {
				return true
			}
		}
		return false
	})
}

// The cause of an internal error is in the log and not in the answer.
func TestInternalErrors(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	p := newPlayer(t, s, "")
	change(t, s, `ALTER TABLE videos RENAME TO hidden`)
	checkInternal(t, s, p.get("/api/videos"))
	checkInternal(t, s, p.get("/api/videos/1"))
	checkInternal(t, s, p.get("/api/public/videos"))
	checkInternal(t, s, p.upload(title("Triple"), video(clip(t))))
	checkInternalPage(t, s, p.get("/", "Accept", "text/html"))
	checkInternal(t, s, p.get("/media/videos/00000000000000000000000000000000/original.mp4"))
	change(t, s, `ALTER TABLE players RENAME TO hidden_players`)
	checkInternal(t, s, p.get("/api/auth/me"))
	checkInternal(t, s, p.postJSON("/api/auth/signup", signUp(nil)))
	checkInternal(t, s, p.postJSON("/api/auth/login", credentials(p.email, password)))
	p.in("en").get("/api/auth/me").checkEnglish(t)
}

func (a answer) checkEnglish(t *testing.T) {
	t.Helper()
	a.refuses(refusal{500, "Internal error. If it happens again, tell the organizers the request id.", nil})
}

// The log never contains a password or a token.
func TestTheLogHasNoSecrets(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "SECRET_KEY": secret})
	p := newPlayer(t, s, "")
	p.postJSON("/api/auth/signup", signUp(map[string]any{"email": "bad"}))
	p.postJSON("/api/auth/login", credentials(p.email, "another secret"))
	signature := strings.SplitAfter(p.detail(p.uploaded("Triple")).Original, "signature=")[1]
	p.get("/media/x?signature=" + signature)
	testserver.Eventually(t, "the log is written", func() bool { return strings.Contains(s.Log(), "path=/media/x") })
	_, _, tokens := cut(p.token)
	for _, hidden := range []string{password, "another secret", tokens, signature, secret} {
		if strings.Contains(s.Log(), hidden) {
			t.Errorf("the log has %q", hidden)
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	p := newPlayer(t, s, "")
	p.uploaded("Triple")
	p.upload(title("Triple"), video("text"))
	p.get("/api/videos/1")
	p.get("/api/videos/2")
	p.get("/api/videos/3")
	visitor(t, s).get("/api/videos/1")
	p.get("/nothing/at/all")
	p.do("BREW", "/nothing/at/all", "")
	p.get("/api/public/rankings/")

	got := p.get("/metrics")

	if got.status != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
		t.Fatalf("got %d %s", got.status, got.header.Get("Content-Type"))
	}
	request := func(method, route, status, count string) string {
		return `risingstars_http_request_duration_seconds_count{method="` + method + `",route="` + route + `",status="` + status + `"} ` + count
	}
	for _, line := range []string{
		request("POST", "/api/auth/signup", "201", "1"), request("POST", "/api/auth/login", "200", "1"),
		request("POST", "/api/videos/upload", "201", "1"), request("POST", "/api/videos/upload", "400", "1"),
		request("GET", "/api/videos/{id}", "200", "1"), request("GET", "/api/videos/{id}", "404", "2"),
		request("GET", "/api/videos/{id}", "401", "1"), request("GET", "none", "404", "1"), request("other", "none", "404", "1"),
		request("GET", "/api/public/rankings", "200", "1"),
		"risingstars_http_requests_in_flight 1", "risingstars_uploads_in_flight 0",
		`risingstars_uploads_total{outcome="accepted"} 1`, `risingstars_uploads_total{outcome="refused"} 1`,
		`risingstars_uploads_total{outcome="broken"} 0`, `risingstars_jobs{state="available"} 1`, `risingstars_jobs{state="running"} 0`,
		`risingstars_jobs{state="retryable"} 0`, `risingstars_database_duration_seconds_count{operation="add_video",outcome="ok"} 1`,
		`risingstars_event_streams 0`, `risingstars_build_info{version="dev"} 1`,
		`risingstars_upload_refusals_total{reason="not_a_video"} 1`, `risingstars_upload_refusals_total{reason="too_large"} 0`,
		`risingstars_cache_lookups_total{from="made"} 1`, `risingstars_cache_lookups_total{from="redis"} 0`,
		`go_sql_max_open_connections{db_name="writer"} 1`,
	} {
		if !strings.Contains(got.body, "\n"+line+"\n") {
			t.Errorf("the metrics lack %q", line)
		}
	}
	for _, name := range []string{
		"risingstars_upload_bytes_total", "risingstars_jobs_oldest_age_seconds", "go_goroutines", "go_memstats_heap_alloc_bytes",
		"process_resident_memory_bytes", "process_cpu_seconds_total", "risingstars_folder_free_bytes", "risingstars_folder_size_bytes",
	} {
		if !strings.Contains(got.body, "\n# TYPE "+name+" ") {
			t.Errorf("the metrics lack %s", name)
		}
	}
	bytes := regexp.MustCompile(`\nrisingstars_upload_bytes_total (\d+)\n`).FindStringSubmatch(got.body)
	if bytes == nil || bytes[1] == "0" {
		t.Errorf("got %v bytes of uploads", bytes)
	}
}

// If the metrics have their own listener, the public listener does not serve them.
func TestMetricsOnTheirOwnListener(t *testing.T) {
	t.Parallel()
	own := free(t)
	s := apptest.Start(t, apptest.Settings{"WORKERS": "1", "METRICS_ADDR": own})
	visitor(t, s).get("/metrics").refuses(refusal{404, "No existe esta dirección.", nil})
	got := visitor(t, s).get("http://" + own + "/metrics")
	if diff := cmp.Diff(200, got.status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	for _, line := range []string{"risingstars_ffmpeg_seconds_per_clip_second_count 0", "risingstars_uploads_in_flight 0"} {
		if !strings.Contains(got.body, "\n"+line+"\n") {
			t.Errorf("the metrics lack %q", line)
		}
	}
	if got := visitor(t, s).get("http://" + own + "/api/public/videos"); got.status != 404 {
		t.Errorf("the listener of the metrics has the API: %d", got.status)
	}
}

// free is an address on which no process listens.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

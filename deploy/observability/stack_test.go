// Package observability tests that every query of the dashboards and every rule of Prometheus returns a result on the
// running platform. The dashboards are code in a module of their own: dashboards.
package observability

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// programs are what stack starts, by Debian's package names.
var programs = []string{
	"prometheus", "prometheus-node-exporter", "prometheus-postgres-exporter", "prometheus-redis-exporter", "prometheus-nginx-exporter",
}

// needPrograms skips the test if a program is not installed.
func needPrograms(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("what measures other systems gives its series other names")
	}
	for _, name := range programs {
		testserver.Program(t, name)
	}
}

// stack runs the command with settings and a state folder of the test's own.
type stack struct {
	testing.TB
	environment []string
	dir         string
}

func newStack(tb testing.TB, settings map[string]string) *stack {
	tb.Helper()
	s := &stack{TB: tb, dir: tb.TempDir()}
	s.environment = []string{
		"PATH=" + os.Getenv("PATH"), "STATE_DIR=" + s.dir, "OBSERVABILITY_ENV=" + filepath.Join(s.dir, "none"), "INTERVAL=1s",
	}
	for name, value := range settings {
		s.environment = append(s.environment, name+"="+value)
	}
	tb.Cleanup(func() { s.run("stop") })
	return s
}

// run returns the output of the command, which must succeed.
func (s *stack) run(args ...string) string {
	s.Helper()
	cmd := exec.Command("./stack", args...)
	cmd.Env = s.environment
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.Fatalf("stack %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func port(tb testing.TB) string {
	tb.Helper()
	_, port, err := net.SplitHostPort(testserver.FreeAddr(tb))
	check(tb, err)
	return port
}

// platform is a complete platform: nginx, a web server, a worker, PostgreSQL and Redis.
type platform struct {
	testing.TB
	url      string
	client   *http.Client
	settings map[string]string // of the stack that monitors it
}

func newPlatform(tb testing.TB) *platform {
	tb.Helper()
	postgres, redis, media := testserver.NewPostgres(tb, "fsync=off"), testserver.Redis(tb), tb.TempDir()
	check(tb, postgres.Create("contest", ""))
	shared := apptest.Settings{
		"DATABASE_URL": postgres.URL("contest"), "REDIS_URL": redis.URL, "STORAGE_URL": "file://" + media,
		"SECRET_KEY": "a secret of 32 characters or more, 0123456789",
	}
	process := func(workers string) (s *apptest.Server, metrics string) {
		settings := apptest.Settings{"WORKERS": workers, "METRICS_ADDR": testserver.FreeAddr(tb)}
		maps.Copy(settings, shared)
		return apptest.Start(tb, settings), settings["METRICS_ADDR"]
	}
	web, webMetrics := process("0")
	_, workerMetrics := process("1")
	nginx := testserver.Nginx(tb, media, strings.TrimPrefix(web.URL, "http://"))
	return &platform{tb, nginx.URL, nginx.Client(false), map[string]string{
		"WEB_TARGETS": webMetrics, "WORKER_TARGETS": workerMetrics, "DATABASE_URL": postgres.URL("contest"), "REDIS_URL": redis.URL,
		"NGINX_STATUS_URL": "http://" + nginx.Status + "/nginx_status",
		"PROMETHEUS_PORT":  port(tb), "NODE_PORT": port(tb), "POSTGRES_PORT": port(tb), "REDIS_PORT": port(tb), "NGINX_PORT": port(tb),
		"GRAFANA": "none-of-this-name",
	}}
}

// call sends a request and returns the answer's status and body.
func (p *platform) call(method, path, token, contentType string, body io.Reader) (int, map[string]any) {
	p.Helper()
	request, err := http.NewRequestWithContext(p.Context(), method, p.url+path, body)
	check(p, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", contentType)
	answer, err := p.client.Do(request)
	check(p, err)
	defer answer.Body.Close()
	var fields map[string]any
	_ = json.NewDecoder(answer.Body).Decode(&fields) // an answer that is a list is not needed
	return answer.StatusCode, fields
}

func (p *platform) player(email string) (token string) {
	p.Helper()
	const password = "salto-y-canasta"
	account := fmt.Sprintf(`{"first_name":"Ana","last_name":"Ruiz","email":%q,"password1":%[2]q,"password2":%[2]q,"password":%[2]q}`, email, password)
	p.call("POST", "/api/auth/signup", "", "application/json", strings.NewReader(account))
	_, fields := p.call("POST", "/api/auth/login", "", "application/json", strings.NewReader(fmt.Sprintf(`{"email":%q,"password":%q}`, email, password)))
	token, _ = fields["access_token"].(string)
	return token
}

func (p *platform) upload(token string, file []byte) (status int, id float64) {
	p.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("video_file", "clip.mp4")
	check(p, err)
	_, err = part.Write(file)
	check(p, err)
	check(p, w.WriteField("title", "Triple"))
	check(p, w.Close())
	status, fields := p.call("POST", "/api/videos/upload", token, w.FormDataContentType(), &form)
	id, _ = fields["video_id"].(float64)
	return status, id
}

// visit sends the requests of a fan, including some that are refused.
func (p *platform) visit(fan, vote string) {
	p.Helper()
	p.call("POST", vote, fan, "", nil)
	p.call("POST", vote, fan, "", nil) // already voted
	p.call("DELETE", vote, fan, "", nil)
	for _, path := range []string{"/api/public/rankings", "/api/public/videos", "/ranking", "/", "/nowhere", "/api/videos"} {
		p.call("GET", path, "", "", nil)
	}
	p.upload(fan, []byte("no video"))
	p.call("POST", "/api/auth/login", "", "application/json", strings.NewReader(`{"email":"nobody@example.com","password":"wrong"}`))
}

// live publishes a processed video, and leaves a second one unfinished.
func live(t *testing.T, p *platform) {
	t.Helper()
	clip, err := os.ReadFile(mediatest.Clip(t, mediatest.Spec{Seconds: 1}))
	check(t, err)
	ana, fan := p.player("ana@example.com"), p.player("beto@example.com")
	_, first := p.upload(ana, clip)
	path := fmt.Sprintf("/api/videos/%.0f", first)
	testserver.Eventually(t, "the video is processed", func() bool {
		_, fields := p.call("GET", path, ana, "", nil)
		return fields["status"] == "processed"
	})
	p.call("POST", path+"/publish", ana, "", nil)
	p.visit(fan, fmt.Sprintf("/api/public/videos/%.0f/vote", first))
	if status, _ := p.upload(ana, clip); status != http.StatusCreated {
		t.Errorf("a second upload: %d", status)
	}
}

// asker queries Prometheus.
type asker struct {
	testing.TB
	url string
}

// has returns how many series a query returns.
func (a asker) has(question string) (int, error) {
	client := http.Client{Timeout: testserver.Patience}
	answer, err := client.Get(a.url + "/api/v1/query?query=" + url.QueryEscape(question))
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	var got struct {
		Error string `json:"error"`
		Data  struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		return 0, err
	}
	if got.Error != "" {
		return 0, fmt.Errorf("%s: %s", question, got.Error)
	}
	n := 0
	for _, r := range got.Data.Result {
		if r.Value[1] != "NaN" {
			n++
		}
	}
	return n, nil
}

// Every query of every panel, every recording rule, and every series that an alert uses returns a result on the
// running platform.
func TestEveryQuestionHasAnAnswer(t *testing.T) {
	t.Parallel()
	needPrograms(t)
	p := newPlatform(t)
	s := newStack(t, p.settings)
	said := s.run("start")
	if !strings.Contains(said, "https://apt.grafana.com") {
		t.Errorf("Grafana is not installed, and it says %q", said)
	}
	a := asker{t, "http://127.0.0.1:" + p.settings["PROMETHEUS_PORT"]}
	testserver.Eventually(t, "all are measured", func() bool { // before the load: a new counter has no rate
		n, err := a.has("risingstars_processing_wait_seconds_count")
		return err == nil && n > 0
	})
	live(t, p)

	questions := slices.Concat(ofPanels(t), ofRules(t))
	fan := p.player("carla@example.com")
	t.Cleanup(func() {
		for _, q := range questions {
			t.Errorf("no answer: %s", q)
		}
	})
	scrapes := time.NewTicker(time.Second) // INTERVAL
	defer scrapes.Stop()
	testserver.EventuallyMoving(t, "all questions have an answer", func() (left int, done bool) {
		<-scrapes.C
		p.visit(fan, "/api/public/videos/1/vote")
		questions = slices.DeleteFunc(questions, func(q string) bool {
			n, err := a.has(q)
			check(t, err)
			return n > 0
		})
		return len(questions), len(questions) == 0
	})
	checkTargets(t, a)
	if status := s.run("status"); strings.Count(status, " runs (") != len(programs) {
		t.Errorf("status: %s", status)
	}
	if again := s.run("start"); strings.Count(again, "runs already") != len(programs) {
		t.Errorf("started twice: %s", again)
	}
	s.run("stop")
	if status := s.run("status"); strings.Contains(status, " runs (") {
		t.Errorf("after the stop: %s", status)
	}
}

// checkTargets checks that all scrape targets are up.
func checkTargets(t *testing.T, a asker) {
	t.Helper()
	if n, err := a.has("up == 1"); n != 7 || err != nil {
		t.Errorf("%d who are measured answer, of 7: %v", n, err)
	}
	for _, up := range []string{"pg_up == 1", "redis_up == 1", "nginx_up == 1"} {
		if n, err := a.has(up); n != 1 || err != nil {
			t.Errorf("%s: got %d, %v", up, n, err)
		}
	}
}

// ofPanels returns the queries in the files that Grafana reads.
func ofPanels(t *testing.T) (list []string) {
	t.Helper()
	files, err := filepath.Glob("grafana/dashboards/*.json")
	check(t, err)
	for _, path := range files {
		text, err := os.ReadFile(path)
		check(t, err)
		var d struct {
			Panels []struct {
				Type    string `json:"type"`
				Title   string `json:"title"`
				Targets []struct {
					Expr string `json:"expr"`
				} `json:"targets"`
			} `json:"panels"`
		}
		check(t, json.Unmarshal(text, &d))
		for _, p := range d.Panels {
			if p.Type != "row" && len(p.Targets) == 0 {
				t.Errorf("%s: %s asks nothing", path, p.Title)
			}
			for _, q := range p.Targets {
				list = append(list, q.Expr)
			}
		}
	}
	if len(list) < 50 {
		t.Fatalf("only %d questions", len(list))
	}
	return list
}

var (
	expression = regexp.MustCompile(`(?m)^        expr: (>-\n((?:          .*\n)+)|.*)`)
	listed     = regexp.MustCompile(`\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`)
	word       = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})?\s*(\()?`)
	quoted     = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	operators  = []string{"and", "or", "unless", "bool", "offset", "by", "on", "ignoring"}
)

// selectors returns the series that an expression uses.
func selectors(text string) (list []string) {
	var inside []string
	text = quoted.ReplaceAllStringFunc(text, func(q string) string { // so that quoted text is not parsed
		inside = append(inside, q)
		return fmt.Sprintf("\x00%d\x00", len(inside)-1)
	})
	text = regexp.MustCompile(`\[[^\]]*\]`).ReplaceAllString(listed.ReplaceAllString(text, " "), "[")
	for _, m := range word.FindAllStringSubmatch(text, -1) {
		if m[3] == "(" || slices.Contains(operators, m[1]) || strings.HasPrefix(m[1], "e") && len(m[1]) == 2 {
			continue
		}
		found := m[1] + m[2]
		for i, q := range inside {
			found = strings.ReplaceAll(found, fmt.Sprintf("\x00%d\x00", i), q)
		}
		list = append(list, found)
	}
	return list
}

func TestSelectors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`up == 0`: {"up"},
		`min by (folder) (predict_linear(a_bytes[6h], 24 * 3600)) < 0`:                           {"a_bytes"},
		`sum(a{x="b) c"}) > 0 and on (i) (b{y=~".*}"} == 0)`:                                     {`a{x="b) c"}`, `b{y=~".*}"}`},
		`min by (folder) (a:b:c_rate5m) < 1e9 or vector(0)`:                                      {"a:b:c_rate5m"},
		`sum by (instance) (pg_stat_activity_count) / on (instance) pg_settings_max_connections`: {"pg_stat_activity_count", "pg_settings_max_connections"},
	} {
		if diff := cmp.Diff(want, selectors(text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

// ofRules returns the series that rules record, and the series that they and the alerts use.
func ofRules(t *testing.T) (list []string) {
	t.Helper()
	for _, path := range []string{"rules/recording.yml", "rules/alerts.yml"} {
		text, err := os.ReadFile(path)
		check(t, err)
		found := expression.FindAllStringSubmatch(string(text), -1)
		if n := strings.Count(string(text), "expr:"); n != len(found) || n == 0 {
			t.Fatalf("%s: read %d of %d expressions", path, len(found), n)
		}
		for _, m := range found {
			list = append(list, selectors(m[1])...)
		}
		for _, m := range regexp.MustCompile(`- record: (\S+)`).FindAllStringSubmatch(string(text), -1) {
			list = append(list, m[1])
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	// A counter that first appears with an error has no series on a healthy platform.
	return slices.DeleteFunc(list, func(q string) bool { return strings.Contains(q, `status=~"5.."`) })
}

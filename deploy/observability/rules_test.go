package observability

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// promtool checks the configuration and the rules of Prometheus, and tests when each alert fires.
func TestRules(t *testing.T) {
	t.Parallel()
	promtool := testserver.Program(t, "promtool")
	for _, args := range [][]string{
		{"check", "config", "--syntax-only", "prometheus.yml"},
		{"check", "rules", "rules/recording.yml", "rules/alerts.yml"},
		{"test", "rules", "rules/rules_test.yml"},
	} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

// Each alert has a test, and the documentation says what to do about it.
func TestEveryAlertIsTestedAndExplained(t *testing.T) {
	t.Parallel()
	want := names(t, "rules/alerts.yml", `- alert: (\w+)`)
	if len(want) < 10 {
		t.Fatalf("only %d alerts", len(want))
	}
	if diff := cmp.Diff(want, names(t, "rules/rules_test.yml", `alertname: (\w+)`)); diff != "" {
		t.Errorf("tested (-alerts +tests):\n%s", diff)
	}
	if diff := cmp.Diff(want, names(t, "README.md", `\n\| ([A-Z]\w+) \| (?:page|ticket) \|`)); diff != "" {
		t.Errorf("explained (-alerts +README.md):\n%s", diff)
	}
}

// names returns the matches of a pattern in a file, each once.
func names(t *testing.T, path, pattern string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// Grafana is not installed where this test runs. A script takes its place and checks that the command gives it the
// right files.
func TestGrafanaIsGivenItsDashboards(t *testing.T) {
	t.Parallel()
	needPrograms(t)
	script := apptest.Script(t, `
set -e
[ "$1 $2" = "server --homepath" ]
ls "$GF_PATHS_PROVISIONING"/datasources/*.yml "$GF_PATHS_PROVISIONING"/dashboards/*.yml "$DASHBOARDS"/*.json "$GF_PATHS_DATA"
echo "asks $PROMETHEUS_URL with a password of $(wc -c <"$GF_SECURITY_ADMIN_PASSWORD__FILE")"
exec bash -c 'exec -a "$0" prometheus-node-exporter --web.listen-address="$1"' "$0" "$GF_SERVER_HTTP_ADDR:$GF_SERVER_HTTP_PORT"`)
	s := newStack(t, map[string]string{"GRAFANA": script, "GRAFANA_PORT": port(t), "PROMETHEUS_PORT": "9999"})

	said := s.run("start", "grafana")

	if !strings.Contains(said, "dashboards: http://127.0.0.1:") {
		t.Errorf("it says %q", said)
	}
	log, err := os.ReadFile(filepath.Join(s.dir, "grafana.log"))
	check(t, err)
	for _, part := range []string{"overview.json", "datasources/prometheus.yml", "asks http://127.0.0.1:9999 with a password of 24"} {
		if !strings.Contains(string(log), part) {
			t.Errorf("it is not given %q:\n%s", part, log)
		}
	}
	if stopped := s.run("stop"); !strings.Contains(stopped, "grafana has stopped") {
		t.Errorf("the stop says %q", stopped)
	}
}

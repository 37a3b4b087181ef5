package observability

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the dashboards' files")

const dashboardsDir = "grafana/dashboards"

// The files that Grafana reads are what the code says: go test ./deploy/observability -run Dashboards -update
func TestDashboardsAreWritten(t *testing.T) {
	t.Parallel()
	var want []string
	for _, b := range boards() {
		path := filepath.Join(dashboardsDir, b.name+".json")
		want = append(want, path)
		text, err := b.render()
		check(t, err)
		if *update {
			check(t, os.WriteFile(path, text, 0o600))
		}
		there, err := os.ReadFile(path)
		check(t, err)
		if diff := cmp.Diff(string(text), string(there)); diff != "" {
			t.Errorf("%s (-code +file):\n%s", path, diff)
		}
	}
	files, err := filepath.Glob(dashboardsDir + "/*")
	check(t, err)
	slices.Sort(want)
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

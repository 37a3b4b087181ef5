package observability

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	dashboards "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
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

// The files are what Grafana's own types have, with every field that it requires and none that it does not know.
func TestDashboardsAreGrafanas(t *testing.T) {
	t.Parallel()
	types := cog.NewRuntime() // the library's, which it keeps for the process
	types.RegisterPanelcfgVariant(timeseries.VariantConfig())
	types.RegisterDataqueryVariant(prometheus.VariantConfig())
	files, err := filepath.Glob(dashboardsDir + "/*.json")
	check(t, err)
	for _, path := range files {
		text, err := os.ReadFile(path)
		check(t, err)
		var d dashboards.Dashboard //nolint:staticcheck // the files are of the first form, which every Grafana reads
		for _, err := range []error{d.UnmarshalJSONStrict(text), d.Validate()} {
			if err != nil && err.Error() != "" { // the library returns an error without a fault in it where all is well
				t.Fatalf("%s: %v", path, err)
			}
		}
		checkPlaces(t, path, text)
	}
}

// checkPlaces sees that each panel has an id and a place of its own.
func checkPlaces(t *testing.T, path string, text []byte) {
	t.Helper()
	var d struct {
		Panels []graph `json:"panels"` // and headings, as far as they are the same
	}
	check(t, json.Unmarshal(text, &d))
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%s: two have the id %d", path, p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, there := taken[[2]int{x, y}]; there || x >= wide {
					t.Fatalf("%s: %s is on top of %q, or not on the page", path, p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

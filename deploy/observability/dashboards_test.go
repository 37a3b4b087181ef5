package observability

import (
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
		var d dashboards.Dashboard
		for _, err := range []error{d.UnmarshalJSONStrict(text), d.Validate()} {
			if err != nil && err.Error() != "" { // the library returns an error without a fault in it where all is well
				t.Fatalf("%s: %v", path, err)
			}
		}
		checkPlaces(t, path, d)
	}
}

// checkPlaces sees that each panel has an id and a place of its own.
func checkPlaces(t *testing.T, path string, d dashboards.Dashboard) {
	t.Helper()
	ids, taken := map[uint32]bool{}, map[[2]uint32]string{}
	for _, p := range d.Panels {
		panel := p.Panel
		if p.RowPanel != nil {
			panel = &dashboards.Panel{Id: &p.RowPanel.Id, Title: p.RowPanel.Title, GridPos: p.RowPanel.GridPos}
		}
		if ids[*panel.Id] {
			t.Errorf("%s: two have the id %d", path, *panel.Id)
		}
		ids[*panel.Id] = true
		at := panel.GridPos
		for x := range at.W {
			for y := range at.H {
				place := [2]uint32{at.X + x, at.Y + y}
				if other, there := taken[place]; there || place[0] >= wide {
					t.Fatalf("%s: %s is not beside %s, or not on the page", path, *panel.Title, other)
				}
				taken[place] = *panel.Title
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

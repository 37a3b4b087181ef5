package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// The files that Grafana reads are those that the command writes.
func TestFilesAreCurrent(t *testing.T) {
	t.Parallel()
	var want []string
	for _, p := range pages() {
		want = append(want, p.path())
		text, err := p.render()
		check(t, err)
		there, err := os.ReadFile(p.path())
		check(t, err)
		if diff := cmp.Diff(string(text), string(there)); diff != "" {
			t.Errorf("%s: run go -C deploy/observability/dashboards run . (-code +file):\n%s", p.path(), diff)
		}
	}
	files, err := filepath.Glob(outputDir + "/*")
	check(t, err)
	slices.Sort(want)
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// The files have every field that Grafana requires and no unknown ones, and each panel has a unique id and position.
func TestFilesAreValid(t *testing.T) {
	t.Parallel()
	types := cog.NewRuntime() // the SDK's registry, one for the process
	types.RegisterPanelcfgVariant(timeseries.VariantConfig())
	types.RegisterDataqueryVariant(prometheus.VariantConfig())
	for _, p := range pages() {
		text, err := os.ReadFile(p.path())
		check(t, err)
		var strict, d dashboard.Dashboard //nolint:staticcheck // see newPage
		for _, err := range []error{strict.UnmarshalJSONStrict(text), strict.Validate()} {
			if err != nil && err.Error() != "" { // the SDK returns an empty list of errors on success
				t.Fatalf("%s: %v", p.path(), err)
			}
		}
		check(t, json.Unmarshal(text, &d)) // the strict decoder checks panels and does not return them
		checkPlaces(t, p.path(), d.Panels)
	}
}

func checkPlaces(t *testing.T, path string, panels []dashboard.PanelOrRowPanel) {
	t.Helper()
	ids, taken := map[uint32]bool{}, map[[2]uint32]string{}
	for _, p := range panels {
		id, title, at := place(p)
		if id == 0 || ids[id] {
			t.Errorf("%s: %q has the id %d, which is none or another panel's", path, title, id)
		}
		ids[id] = true
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other, there := taken[[2]uint32{x, y}]; there || x >= gridColumns {
					t.Fatalf("%s: %q is on top of %q, or not on the page", path, title, other)
				}
				taken[[2]uint32{x, y}] = title
			}
		}
	}
	if len(ids) < 10 {
		t.Errorf("%s: only %d rows and panels", path, len(ids))
	}
}

// place returns the id, the title and the position of a panel or a row's heading.
func place(p dashboard.PanelOrRowPanel) (id uint32, title string, at dashboard.GridPos) {
	if p.RowPanel != nil {
		return p.RowPanel.Id, *p.RowPanel.Title, *p.RowPanel.GridPos
	}
	return *p.Panel.Id, *p.Panel.Title, *p.Panel.GridPos
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

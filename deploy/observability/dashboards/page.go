package main

import (
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

const (
	gridColumns  = 24 // of every dashboard
	panelsAcross = 4  // maximum in one row
	panelHeight  = 8

	// schemaVersion is the version of the files' schema. Grafana upgrades an older version when it loads a dashboard and
	// refuses one that is newer than its own, so this stays below the SDK's.
	schemaVersion = 39
)

// page builds one dashboard: rows of panels.
type page struct {
	*dashboard.DashboardBuilder
	name   string // of the file
	lastID uint32 // of a row or panel
}

func newPage(name, title, about string) *page {
	//nolint:staticcheck // dashboardv2 is newer, but every Grafana reads the first form
	builder := dashboard.NewDashboardBuilder("Rising Stars: "+title).
		Uid("risingstars-"+name).
		Description(about).
		Tags([]string{"risingstars"}).
		Timezone("browser").
		Readonly().
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Refresh("15s").
		Time("now-1h", "now").
		Link(dashboard.NewDashboardLinkBuilder("Rising Stars").
			Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{"risingstars"}).
			AsDropdown(true).
			KeepTime(true).
			Icon("external link"))
	return &page{DashboardBuilder: builder, name: name}
}

// row adds a heading and below it panels of equal width. The SDK computes their places.
func (p *page) row(title string, panels ...*timeseries.PanelBuilder) *page {
	p.WithRow(dashboard.NewRowBuilder(title).Id(p.nextID()))
	width := uint32(gridColumns / min(len(panels), panelsAcross))
	for _, panel := range panels {
		p.WithPanel(panel.Id(p.nextID()).Span(width).Height(panelHeight))
	}
	return p
}

func (p *page) nextID() uint32 {
	p.lastID++
	return p.lastID
}

// render returns the content of the dashboard's file.
func (p *page) render() ([]byte, error) {
	built, err := p.Build()
	if err != nil {
		return nil, fmt.Errorf("build dashboard %s: %w", p.name, err)
	}
	built.SchemaVersion = schemaVersion
	for i := range built.Links {
		built.Links[i].Placement = nil // the SDK's default hides links in the menu of the dashboard's controls
	}
	text, err := json.MarshalIndent(built, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode dashboard %s: %w", p.name, err)
	}
	return append(text, '\n'), nil
}

// source is the Prometheus data source that grafana/provisioning/datasources defines.
var source = common.DataSourceRef{Type: new("prometheus"), Uid: new("prometheus")}

// graph is a panel that shows the result of queries over time. unit is one of the package units.
func graph(title, about, unit string, queries ...*prometheus.DataqueryBuilder) *timeseries.PanelBuilder {
	panel := timeseries.NewPanelBuilder().
		Title(title).
		Description(about).
		Datasource(source).
		Unit(unit).
		Min(0).
		FillOpacity(10).
		LineWidth(1).
		ShowPoints(common.VisibilityModeNever).
		SpanNulls(common.BoolOrFloat64{Bool: new(true)}).
		Legend(common.NewVizLegendOptionsBuilder().
			DisplayMode(common.LegendDisplayModeList).
			Placement(common.LegendPlacementBottom).
			ShowLegend(true)).
		Tooltip(common.NewVizTooltipOptionsBuilder().
			Mode(common.TooltipDisplayModeMulti).
			Sort(common.SortOrderDescending))
	if unit == units.PercentUnit {
		panel.Max(1)
	}
	for i, query := range queries {
		panel.WithTarget(query.RefId(string(rune('A' + i))))
	}
	return panel
}

// query is a PromQL expression; legend names each of its series.
func query(expression, legend string) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().Expr(expression).LegendFormat(legend).Datasource(source).Range()
}

// redFrom returns the threshold at which an alert fires.
func redFrom(limit float64) *dashboard.ThresholdsConfigBuilder {
	return dashboard.NewThresholdsConfigBuilder().
		Mode(dashboard.ThresholdsModeAbsolute).
		Steps([]dashboard.Threshold{{Color: "green"}, {Value: &limit, Color: "red"}})
}

// line draws a threshold as a line.
func line() *common.GraphThresholdsStyleConfigBuilder {
	return common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeLine)
}

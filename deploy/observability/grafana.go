// Package observability has the dashboards as code, and tests that every one of their questions, and every rule of
// Prometheus beside them, has an answer on the running platform.
package observability

import (
	"encoding/json"
	"fmt"
)

// The parts of a dashboard as Grafana has them, as far as they are used here.
type (
	dashboard struct {
		UID           string            `json:"uid"`
		Title         string            `json:"title"`
		Description   string            `json:"description"`
		Tags          []string          `json:"tags"`
		Timezone      string            `json:"timezone"`
		Editable      bool              `json:"editable"`
		GraphTooltip  int               `json:"graphTooltip"` // 1: one crosshair on all panels
		Refresh       string            `json:"refresh"`
		SchemaVersion int               `json:"schemaVersion"`
		Time          span              `json:"time"`
		Links         []link            `json:"links"`
		Templating    list              `json:"templating"`
		Annotations   list              `json:"annotations"`
		Panels        []json.RawMessage `json:"panels"`
	}
	list struct {
		List []any `json:"list"`
	}
	span struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	link struct {
		Title       string   `json:"title"`
		Type        string   `json:"type"`
		Tags        []string `json:"tags"`
		AsDropdown  bool     `json:"asDropdown"`
		IncludeVars bool     `json:"includeVars"`
		KeepTime    bool     `json:"keepTime"`
		TargetBlank bool     `json:"targetBlank"`
		Icon        string   `json:"icon"`
		Tooltip     string   `json:"tooltip"`
		URL         string   `json:"url"`
	}
	grid struct {
		H int `json:"h"`
		W int `json:"w"`
		X int `json:"x"`
		Y int `json:"y"`
	}
	source struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	target struct {
		RefID        string `json:"refId"`
		Expr         string `json:"expr"`
		LegendFormat string `json:"legendFormat"`
		Datasource   source `json:"datasource"`
		Instant      bool   `json:"instant"`
		Range        bool   `json:"range"`
	}
	step struct {
		Color string   `json:"color"`
		Value *float64 `json:"value"` // null for from the lowest on
	}
	thresholds struct {
		Mode  string `json:"mode"`
		Steps []step `json:"steps"`
	}
	graph struct {
		ID          int      `json:"id"`
		Type        string   `json:"type"`
		Title       string   `json:"title"`
		Description string   `json:"description"`
		GridPos     grid     `json:"gridPos"`
		Datasource  source   `json:"datasource"`
		Targets     []target `json:"targets"`
		FieldConfig struct {
			Defaults struct {
				Unit       string         `json:"unit"`
				Min        *float64       `json:"min,omitempty"`
				Max        *float64       `json:"max,omitempty"`
				Thresholds *thresholds    `json:"thresholds,omitempty"`
				Custom     map[string]any `json:"custom,omitempty"`
			} `json:"defaults"`
			Overrides []any `json:"overrides"`
		} `json:"fieldConfig"`
		Options map[string]any `json:"options"`
	}
	heading struct {
		ID        int    `json:"id"`
		Type      string `json:"type"`
		Title     string `json:"title"`
		GridPos   grid   `json:"gridPos"`
		Collapsed bool   `json:"collapsed"`
		Panels    []any  `json:"panels"`
	}
)

const (
	wide   = 24 // columns of Grafana's grid
	height = 8
)

// measured is the source of all panels, as provisioned.
var measured = source{"prometheus", "prometheus"}

// render lays the rows out, three or four panels beside each other.
func (b board) render() ([]byte, error) {
	d := dashboard{
		UID: "risingstars-" + b.name, Title: "Rising Stars: " + b.title, Description: b.about, Tags: []string{"risingstars"},
		Timezone: "browser", GraphTooltip: 1, Refresh: "15s", SchemaVersion: 39, Time: span{"now-1h", "now"},
		Links: []link{{
			Title: "Rising Stars", Type: "dashboards", Tags: []string{"risingstars"}, AsDropdown: true, KeepTime: true,
			Icon: "external link",
		}},
		Templating: list{[]any{}}, Annotations: list{[]any{}},
	}
	id, y := 0, 0
	add := func(v any) error {
		text, err := json.Marshal(v)
		d.Panels = append(d.Panels, text)
		return err
	}
	for _, r := range b.rows {
		id++
		if err := add(heading{ID: id, Type: "row", Title: r.title, GridPos: grid{1, wide, 0, y}, Panels: []any{}}); err != nil {
			return nil, fmt.Errorf("dashboard %s: %w", b.name, err)
		}
		y++
		x, width := 0, wide/min(len(r.panels), 4)
		for _, p := range r.panels {
			if x+width > wide {
				x, y = 0, y+height
			}
			id++
			if err := add(p.graph(id, grid{height, width, x, y})); err != nil {
				return nil, fmt.Errorf("dashboard %s: %w", b.name, err)
			}
			x += width
		}
		y += height
	}
	text, err := json.MarshalIndent(d, "", "  ")
	return append(text, '\n'), err
}

func (p panel) graph(id int, at grid) graph {
	g := graph{
		ID: id, Type: "timeseries", Title: p.title, Description: p.about, GridPos: at, Datasource: measured, Targets: []target{},
		Options: map[string]any{
			"legend":  map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}},
			"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
		},
	}
	for i, q := range p.asks {
		g.Targets = append(g.Targets, target{
			RefID: string(rune('A' + i)), Expr: q.expr, LegendFormat: q.legend, Datasource: measured, Range: true,
		})
	}
	zero := 0.0
	g.FieldConfig.Overrides = []any{}
	d := &g.FieldConfig.Defaults
	d.Unit, d.Min = p.unit, &zero
	d.Custom = map[string]any{"fillOpacity": 10, "lineWidth": 1, "showPoints": "never", "spanNulls": true}
	if p.unit == "percentunit" {
		one := 1.0
		d.Max = &one
	}
	if p.limit > 0 {
		d.Thresholds = &thresholds{"absolute", []step{{"green", nil}, {"red", &p.limit}}}
		d.Custom["thresholdsStyle"] = map[string]any{"mode": "line"}
	}
	return g
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"risingstars/loadtest/journal"
)

// readAllResults reads the saved results of the folder, in the order of their runs.
func (b *benchmark) readAllResults() ([]*result, machineInfo, error) {
	var m machineInfo
	paths, err := filepath.Glob(filepath.Join(b.resultsDir, "*.json"))
	if err != nil {
		return nil, m, fmt.Errorf("read the results: %w", err)
	}
	var list []*result
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		if name == "machine" {
			if err := json.Unmarshal([]byte(textOrEmpty(path)), &m); err != nil {
				return nil, m, fmt.Errorf("read the machine's description: %w", err)
			}
			continue
		}
		r, err := readResultFile(b.resultsDir, name)
		if err != nil {
			return nil, m, err
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *result) int { return a.Began.Compare(b.Began) })
	return list, m, nil
}

// writeReport writes report.html. For publishable results it also writes the images of the charts and the figures in
// docs/capacity.md.
func (b *benchmark) writeReport(ctx context.Context) error {
	list, m, err := b.readAllResults()
	if err != nil || len(list) == 0 {
		return err
	}
	var page strings.Builder
	page.WriteString("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Capacity</title><style>" +
		"body{font:15px sans-serif;max-width:1320px;margin:2em auto;padding:0 1em}table{border-collapse:collapse;margin:1em 0}" +
		"td,th{border:1px solid #ccc;padding:.2em .6em;text-align:right}td:first-child,th:first-child{text-align:left}" +
		".failed{color:#b00}svg{max-width:100%;height:auto}</style><h1>Capacity</h1>")
	fmt.Fprintf(&page, "<p>%s</p>", html.EscapeString(m.String()))
	charts := map[string]chart{}
	for _, target := range []string{embedded, fleet} {
		maps.Copy(charts, chartsOverUsers(list, target))
	}
	for _, r := range list {
		maps.Copy(charts, chartsOverTime(r))
	}
	for _, name := range sortedChartNames(charts) {
		if strings.Contains(name, "-users-") {
			page.WriteString(charts[name].renderSVG())
		}
	}
	for _, r := range list {
		page.WriteString(r.reportSection())
		for _, name := range sortedChartNames(charts) {
			if strings.HasPrefix(name, r.Name+"-time-") {
				page.WriteString(charts[name].renderSVG())
			}
		}
	}
	page.WriteString("</html>\n")
	if err := writeFileAtomically(filepath.Join(b.resultsDir, "report.html"), []byte(page.String())); err != nil {
		return err
	}
	b.reportProgress("report: %s/report.html", b.relativeResultsDir())
	if b.quick || !b.publishable {
		return nil
	}
	pictures, err := b.renderChartImages(ctx, charts)
	if err != nil {
		return err
	}
	return b.writeCapacityDocs(list, m, pictures)
}

func (b *benchmark) relativeResultsDir() string {
	path, err := filepath.Rel(filepath.Dir(b.home), b.resultsDir)
	if err != nil {
		return b.resultsDir
	}
	return path
}

// String describes the machine in one line.
func (m machineInfo) String() string {
	var versions []string
	for name, v := range m.Versions {
		versions = append(versions, name+" "+v)
	}
	slices.Sort(versions)
	return fmt.Sprintf("%s, %d cores, %d MiB of memory, %s, kernel %s; %s", m.CPU, m.Cores, m.MemoryMB, m.System, m.Kernel, strings.Join(versions, ", "))
}

func sortedChartNames(charts map[string]chart) []string {
	names := []string{}
	for name := range charts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// chartsOverUsers are the charts of a target's ramps: requests a second, p95 and errors by the number of users.
func chartsOverUsers(list []*result, target string) map[string]chart {
	var ramps []*result
	for _, r := range list {
		if strings.HasPrefix(r.Name, target+"-ramp-") {
			ramps = append(ramps, r)
		}
	}
	if len(ramps) == 0 {
		return nil
	}
	slices.SortFunc(ramps, func(a, b *result) int { return a.Users - b.Users })
	curve := func(call string, of func(callStats) float64) chartLine {
		l := chartLine{name: call}
		for _, r := range ramps {
			for _, c := range r.Calls {
				if c.Call == call {
					l.x, l.y = append(l.x, float64(r.Users)), append(l.y, of(c))
				}
			}
		}
		return l
	}
	p95 := chart{title: target + ": p95 by users", x: "users", y: "ms"}
	for _, call := range []string{journal.Upload, "list", "ranking", "sign-in"} {
		p95.lines = append(p95.lines, curve(call, func(c callStats) float64 { return c.P95 }))
	}
	return map[string]chart{
		target + "-users-rps": {title: target + ": requests a second by users", x: "users", y: "requests/s", lines: []chartLine{
			curve("all", func(c callStats) float64 { return c.RPS }), curve(journal.Upload, func(c callStats) float64 { return c.RPS }),
		}},
		target + "-users-p95": p95,
		target + "-users-errors": {title: target + ": errors by users", x: "users", y: "%", lines: []chartLine{
			curve("all", func(c callStats) float64 { return 100 * float64(c.Failures) / float64(max(1, c.Requests)) }),
		}},
	}
}

// chartsOverTime are the charts of one load run: processors, memory, waiting videos and requests by time.
func chartsOverTime(r *result) map[string]chart {
	if r.Kind != "load" || len(r.series.rows) < 2 {
		return nil
	}
	curve := func(column, name string) chartLine {
		l := chartLine{name: name}
		i := slices.Index(r.series.head, column)
		for _, row := range r.series.rows {
			x, _ := strconv.ParseFloat(row[0], 64) // written by this program
			y, _ := strconv.ParseFloat(row[i], 64)
			l.x, l.y = append(l.x, x), append(l.y, y)
		}
		return l
	}
	cpu := chart{title: r.Name + ": processors in use", x: "seconds", y: "processors"}
	memory := chart{title: r.Name + ": memory", x: "seconds", y: "MiB"}
	for _, column := range r.series.head {
		if name, ok := strings.CutPrefix(column, "cpu_"); ok {
			cpu.lines = append(cpu.lines, curve(column, name))
		}
		if name, ok := strings.CutPrefix(column, "mib_"); ok && name != "generator" {
			memory.lines = append(memory.lines, curve(column, name))
		}
	}
	return map[string]chart{
		r.Name + "-time-cpu": cpu, r.Name + "-time-memory": memory,
		r.Name + "-time-queue": {title: r.Name + ": videos on their way", x: "seconds", y: "videos", lines: []chartLine{curve("waiting", "videos")}},
		r.Name + "-time-requests": {title: r.Name + ": users and requests a second", x: "seconds", y: "", lines: []chartLine{
			curve("users", "users"), curve("requests_per_second", "requests/s"), curve("connections", "connections"),
		}},
	}
}

// reportSection is the part of the report about one run.
func (r *result) reportSection() string {
	var out strings.Builder
	fmt.Fprintf(&out, "<h2>%s</h2><p>%s</p>", html.EscapeString(r.Name), html.EscapeString(r.summaryLine()))
	if !r.Passed {
		fmt.Fprintf(&out, `<p class="failed">Failed by: %s</p>`, html.EscapeString(strings.Join(r.Reasons, "; ")))
	}
	rows := [][]string{}
	for _, c := range r.Calls {
		rows = append(rows, []string{
			c.Call, strconv.Itoa(c.Requests), strconv.Itoa(c.Failures), formatShortest(c.RPS), formatShortest(c.P50), formatShortest(c.P90), formatShortest(c.P95), formatShortest(c.P99),
		})
	}
	out.WriteString(formatHTMLTable([]string{"call", "requests", "failures", "a second", "p50 ms", "p90 ms", "p95 ms", "p99 ms"}, rows))
	rows = [][]string{}
	for _, u := range r.Processes {
		rows = append(rows, []string{u.Name, formatShortest(u.MeanCPU), formatShortest(u.MostCPU), formatShortest(u.FirstMiB), formatShortest(u.MostMiB)})
	}
	out.WriteString(formatHTMLTable([]string{"process", "processors, mean", "most", "MiB at first", "most"}, rows))
	rows = [][]string{}
	for _, f := range r.Figures {
		rows = append(rows, []string{f.What, fmt.Sprintf("%.4g", f.Value), f.Unit, f.Wanted})
	}
	out.WriteString(formatHTMLTable([]string{"what", "measured", "", "wanted"}, rows))
	rows = [][]string{}
	for _, f := range slices.Concat(r.Findings, r.Faults) {
		rows = append(rows, []string{f.Kind, strconv.Itoa(f.Count), f.Example})
	}
	out.WriteString(formatHTMLTable([]string{"failure", "times", "such as"}, rows))
	return out.String()
}

func (r *result) summaryLine() string {
	if r.Kind != "load" {
		return r.Scenario
	}
	return fmt.Sprintf("%s, %d users by %s, ramp-up %.0f s and hold %.0f s; FFmpeg rendered %s; %d uploads and %d votes acknowledged, "+
		"at most %d videos waiting, the queue empty after %.1f s", r.Scenario, r.Users, r.Tool, r.Up, r.Held, r.Rendering, r.Uploads, r.Votes, r.Most, r.Drained)
}

func formatHTMLTable(head []string, rows [][]string) string {
	if len(rows) == 0 {
		return ""
	}
	var out strings.Builder
	out.WriteString("<table><tr>")
	for _, h := range head {
		out.WriteString("<th>" + html.EscapeString(h))
	}
	for _, row := range rows {
		out.WriteString("<tr>")
		for _, cell := range row {
			out.WriteString("<td>" + html.EscapeString(cell))
		}
	}
	out.WriteString("</table>")
	return out.String()
}

// renderChartImages renders the charts that docs/capacity.md shows as PNG files with Chromium, and returns their names.
func (b *benchmark) renderChartImages(ctx context.Context, charts map[string]chart) ([]string, error) {
	chromium := os.Getenv("CHROMIUM")
	if chromium == "" {
		chromium = "chromium"
	}
	dir := filepath.Join(filepath.Dir(b.home), "docs", "capacity")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("create a folder for images: %w", err)
	}
	var names []string
	for _, name := range sortedChartNames(charts) {
		if !strings.Contains(name, "-users-") && !strings.Contains(name, "-sustained-time-") {
			continue
		}
		source := filepath.Join(b.workDir, name+".html")
		page := `<!doctype html><meta charset="utf-8"><style>*{margin:0}svg{display:block}</style>` + charts[name].renderSVG()
		if err := os.WriteFile(source, []byte(page), 0o600); err != nil {
			return nil, fmt.Errorf("draw a picture: %w", err)
		}
		cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir="+filepath.Join(b.workDir, "chromium"),
			fmt.Sprintf("--window-size=%d,%d", chartWidth, chartHeight), "--screenshot="+filepath.Join(dir, name+".png"), "file://"+source)
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("draw a picture with Chromium: %w\n%s", err, out)
		}
		names = append(names, name)
	}
	return names, nil
}

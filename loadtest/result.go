package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"risingstars/loadtest/journal"
)

// result is the outcome of one run. It is saved as NAME.json, and its tables as CSV files beside it.
type result struct {
	Name      string         `json:"name"`
	Kind      string         `json:"kind"` // load, workers, or ratio
	Target    string         `json:"target"`
	Scenario  string         `json:"scenario"`
	Tool      string         `json:"tool,omitempty"`
	Users     int            `json:"users,omitempty"`
	Up        float64        `json:"up_seconds,omitempty"`
	Held      float64        `json:"held_seconds,omitempty"`
	Rendering string         `json:"rendering,omitempty"`
	Began     time.Time      `json:"began"`
	Version   string         `json:"version"`                 // of the program
	Calls     []callStats    `json:"calls,omitempty"`         // while all users were there
	Coming    []callStats    `json:"calls_coming,omitempty"`  // during the ramp-up
	Uploads   int            `json:"uploads,omitempty"`       // that were acknowledged
	Votes     int            `json:"votes,omitempty"`         // that were acknowledged
	Drained   float64        `json:"drain_seconds,omitempty"` // until no video waited
	Most      int            `json:"most_waiting,omitempty"`  // videos
	Processes []processUsage `json:"processes,omitempty"`
	Faults    []finding      `json:"faults,omitempty"`
	Findings  []finding      `json:"findings,omitempty"`
	Stopped   string         `json:"stopped,omitempty"` // why the run ended early
	Figures   []figure       `json:"figures,omitempty"`
	Passed    bool           `json:"passed"`
	Reasons   []string       `json:"reasons"`

	series table
}

// processUsage is what a process and its descendants used during a run.
type processUsage struct {
	Name     string  `json:"name"`
	MeanCPU  float64 `json:"mean_cpu"` // processors
	MostCPU  float64 `json:"most_cpu"`
	MostMiB  float64 `json:"most_mib"` // resident; shared pages count for each process
	FirstMiB float64 `json:"first_mib"`
}

// figure is a measured number, with the wanted one where there is one.
type figure struct {
	What   string  `json:"what"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Wanted string  `json:"wanted,omitempty"` // ">= 0.5"
	Met    bool    `json:"met"`
}

// table is a CSV file in memory.
type table struct {
	head []string
	rows [][]string
}

func (r *result) recordResourceUse(s *sampler) {
	for _, w := range s.watched {
		u := processUsage{Name: w.name}
		n := 0
		for _, at := range s.samples {
			if cpu, ok := at.CPU[w.name]; ok {
				u.MeanCPU += cpu
				u.MostCPU = max(u.MostCPU, cpu)
				n++
			}
			if mib := float64(at.Memory[w.name]) / (1 << 20); mib > 0 {
				u.MostMiB = max(u.MostMiB, mib)
				if u.FirstMiB == 0 {
					u.FirstMiB = mib
				}
			}
		}
		u.MeanCPU = roundToThousandths(u.MeanCPU / float64(max(1, n)))
		u.MostCPU, u.MostMiB, u.FirstMiB = roundToThousandths(u.MostCPU), roundToThousandths(u.MostMiB), roundToThousandths(u.FirstMiB)
		r.Processes = append(r.Processes, u)
	}
	for _, at := range s.samples {
		r.Most = max(r.Most, at.Waiting)
	}
}

func roundToThousandths(x float64) float64 { return math.Round(x*1000) / 1000 }

// timeSeriesOf is a table with a row for each sample, and the requests that ended since the sample before.
func timeSeriesOf(entries []journal.Entry, samples []resourceSample, begin float64) table {
	names := []string{}
	if len(samples) > 0 {
		for name := range samples[len(samples)-1].Memory {
			names = append(names, name)
		}
		slices.Sort(names)
	}
	t := table{head: []string{"seconds", "users", "requests_per_second", "failures", "p95_ms", "connections", "waiting"}}
	for _, name := range names {
		t.head = append(t.head, "cpu_"+name, "mib_"+name)
	}
	byEnd := slices.Clone(entries)
	slices.SortFunc(byEnd, func(a, b journal.Entry) int { return int(math.Copysign(1, a.At+a.MS/1000-b.At-b.MS/1000)) })
	before := 0.0
	users := 0
	for _, s := range samples {
		var ms []float64
		failures := 0
		for len(byEnd) > 0 && byEnd[0].At+byEnd[0].MS/1000-begin <= s.At {
			ms = append(ms, byEnd[0].MS)
			users = byEnd[0].Users
			if byEnd[0].Fault != "" {
				failures++
			}
			byEnd = byEnd[1:]
		}
		slices.Sort(ms)
		row := []string{
			formatDecimal(s.At), strconv.Itoa(users), formatDecimal(float64(len(ms)) / (s.At - before)), strconv.Itoa(failures),
			formatDecimal(percentile(ms, .95)), strconv.Itoa(s.Connections), strconv.Itoa(s.Waiting),
		}
		for _, name := range names {
			row = append(row, formatDecimal(s.CPU[name]), formatDecimal(float64(s.Memory[name])/(1<<20)))
		}
		t.rows = append(t.rows, row)
		before = s.At
	}
	return t
}

func formatDecimal(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) }

// saveFiles saves a result. The JSON file comes last: its existence means that the run is complete.
func (r *result) saveFiles(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("save a result: %w", err)
	}
	calls := table{head: strings.Split("phase,users,call,requests,failures,rps,p50_ms,p90_ms,p95_ms,p99_ms", ",")}
	for phase, list := range map[string][]callStats{"coming": r.Coming, "held": r.Calls} {
		for _, c := range list {
			calls.rows = append(calls.rows, []string{
				phase, strconv.Itoa(r.Users), c.Call, strconv.Itoa(c.Requests), strconv.Itoa(c.Failures), formatDecimal(c.RPS),
				formatDecimal(c.P50), formatDecimal(c.P90), formatDecimal(c.P95), formatDecimal(c.P99),
			})
		}
	}
	slices.SortFunc(calls.rows, slices.Compare)
	failures := table{head: []string{"found_by", "kind", "count", "example"}}
	for by, list := range map[string][]finding{"checker": r.Findings, "generator": r.Faults} {
		for _, f := range list {
			failures.rows = append(failures.rows, []string{by, f.Kind, strconv.Itoa(f.Count), f.Example})
		}
	}
	slices.SortFunc(failures.rows, slices.Compare)
	processes := table{head: strings.Split("process,mean_cpu,most_cpu,first_mib,most_mib", ",")}
	for _, u := range r.Processes {
		processes.rows = append(processes.rows, []string{
			u.Name, formatDecimal(u.MeanCPU), formatDecimal(u.MostCPU), formatDecimal(u.FirstMiB), formatDecimal(u.MostMiB),
		})
	}
	figures := table{head: []string{"what", "value", "unit", "wanted", "met"}}
	for _, f := range r.Figures {
		met := strconv.FormatBool(f.Met)
		if f.Wanted == "" {
			met = ""
		}
		figures.rows = append(figures.rows, []string{f.What, strconv.FormatFloat(f.Value, 'g', 6, 64), f.Unit, f.Wanted, met})
	}
	for name, t := range map[string]table{
		"calls": calls, "failures": failures, "processes": processes, "figures": figures, "series": r.series,
	} {
		if err := t.saveCSVFile(filepath.Join(dir, r.Name+"."+name+".csv")); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("save a result: %w", err)
	}
	return writeFileAtomically(filepath.Join(dir, r.Name+".json"), append(text, '\n'))
}

// saveCSVFile writes a table that has rows.
func (t table) saveCSVFile(path string) error {
	if len(t.rows) == 0 {
		return nil
	}
	var text strings.Builder
	w := csv.NewWriter(&text)
	if err := errors.Join(w.Write(t.head), w.WriteAll(t.rows)); err != nil {
		return fmt.Errorf("save a table: %w", err)
	}
	return writeFileAtomically(path, []byte(text.String()))
}

// writeFileAtomically writes to a temporary name and renames the file, so that it is never seen incomplete.
func writeFileAtomically(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("write a result: %w", err)
	}
	if err := errors.Join(os.Chmod(path+".new", 0o644), os.Rename(path+".new", path)); err != nil {
		return fmt.Errorf("write a result: %w", err)
	}
	return nil
}

// readResultFile reads a saved result; nil if there is none.
func readResultFile(dir, name string) (*result, error) {
	text, err := os.ReadFile(filepath.Join(dir, name+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var r result
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err == nil {
		r.series, err = readCSVFile(filepath.Join(dir, name+".series.csv"))
	}
	if err != nil {
		return nil, fmt.Errorf("read the result %s: %w", name, err)
	}
	return &r, nil
}

func readCSVFile(path string) (table, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return table{}, nil
	}
	if err != nil {
		return table{}, err
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) == 0 {
		return table{}, err
	}
	return table{head: rows[0], rows: rows[1:]}, nil
}

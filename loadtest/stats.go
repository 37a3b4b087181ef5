package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"risingstars/internal/testkit/history"
	"risingstars/loadtest/journal"
)

// callStats are the statistics of one call in one phase of a run.
type callStats struct {
	Call     string  `json:"call"`
	Requests int     `json:"requests"`
	Failures int     `json:"failures"`
	RPS      float64 `json:"rps"`
	P50      float64 `json:"p50_ms"`
	P90      float64 `json:"p90_ms"`
	P95      float64 `json:"p95_ms"`
	P99      float64 `json:"p99_ms"`
}

// percentile is the smallest value that at least the share q of the values do not exceed ("nearest rank"); 0 without values.
func percentile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, max(0, int(math.Ceil(q*float64(len(sorted))))-1))]
}

// statsByCall computes the statistics of entries that were sent within some seconds, by call, and of all calls under "all".
func statsByCall(entries []journal.Entry, seconds float64) []callStats {
	times, failures := map[string][]float64{}, map[string]int{}
	for _, e := range entries {
		for _, call := range []string{e.Call, "all"} {
			times[call] = append(times[call], e.MS)
			if e.Fault != "" {
				failures[call]++
			}
		}
	}
	list := []callStats{}
	for call, ms := range times {
		slices.Sort(ms)
		list = append(list, callStats{
			Call: call, Requests: len(ms), Failures: failures[call], RPS: float64(len(ms)) / seconds,
			P50: percentile(ms, .5), P90: percentile(ms, .9), P95: percentile(ms, .95), P99: percentile(ms, .99),
		})
	}
	slices.SortFunc(list, func(a, b callStats) int { return cmp.Compare(a.Call, b.Call) })
	return list
}

// countFaults counts the faults by call and kind.
func countFaults(entries []journal.Entry) []finding {
	var faults []history.Finding
	for _, e := range entries {
		if e.Fault != "" {
			faults = append(faults, history.Finding{
				Kind: e.Call + ": " + e.Fault, Detail: fmt.Sprintf("%s at %.0f, status %d after %.0f ms", e.Account, e.At, e.Status, e.MS),
			})
		}
	}
	return countFindings(faults)
}

// finding is a kind of failure, how often it occurred, and one example.
type finding struct {
	Kind    string `json:"kind"`
	Count   int    `json:"count"`
	Example string `json:"example"`
}

// countFindings counts findings by kind and keeps the first of each as the example.
func countFindings(all []history.Finding) []finding {
	list := []finding{}
	for _, f := range all {
		i := slices.IndexFunc(list, func(known finding) bool { return known.Kind == f.Kind })
		if i < 0 {
			i, list = len(list), append(list, finding{Kind: f.Kind, Example: f.Detail})
		}
		list[i].Count++
	}
	slices.SortFunc(list, func(a, b finding) int { return cmp.Compare(a.Kind, b.Kind) })
	return list
}

// What a run must achieve, besides losing nothing.
const (
	maxP95       = 1000 // ms, of every call but uploads
	maxUploadP95 = 2000 // ms
	maxErrors    = 0.01 // of all requests: 5xx and broken connections
)

// reasonsToFail lists why a run fails; none means that it passes. timed is whether slow answers are a reason.
func reasonsToFail(r *result, timed bool) []string {
	reasons := []string{}
	if r.Stopped != "" {
		reasons = append(reasons, "stopped: "+r.Stopped)
	}
	for _, f := range r.Findings {
		reasons = append(reasons, f.Kind)
	}
	for _, f := range r.Faults {
		if isNeverAllowed(f.Kind) {
			reasons = append(reasons, f.Kind)
		}
	}
	tried := len(r.Calls) > 0 || !timed && len(r.Coming) > 0
	for _, c := range r.Calls {
		if c.Call == "all" {
			if float64(c.Failures) > maxErrors*float64(c.Requests) {
				reasons = append(reasons, "more than 1 % errors")
			}
			continue
		}
		most := float64(maxP95)
		if c.Call == journal.Upload {
			most = maxUploadP95
		}
		if timed && c.P95 > most {
			reasons = append(reasons, "p95 of "+c.Call)
		}
	}
	switch { // a run without requests proves nothing
	case !tried:
		reasons = append(reasons, "no requests")
	case r.Scenario == "mix" && r.Uploads == 0:
		reasons = append(reasons, "no uploads")
	case r.Scenario == "votes" && r.Votes == 0:
		reasons = append(reasons, "no votes")
	}
	return reasons
}

// isNeverAllowed reports whether a single fault of this kind fails a run: a body that is not as promised, or a refusal of a
// valid request. The other faults mean that the platform was unavailable; they are limited to 1 % of the requests.
func isNeverAllowed(kind string) bool {
	_, fault, _ := strings.Cut(kind, ": ")
	return strings.HasPrefix(fault, "body") || strings.HasPrefix(fault, "status") && !strings.HasPrefix(fault, "status 5")
}

// leastSquaresSlope is the slope of the regression line of y on x; 0 without two different x.
func leastSquaresSlope(x, y []float64) float64 {
	var sx, sy, sxx, sxy float64
	for i := range x {
		sx, sy, sxx, sxy = sx+x[i], sy+y[i], sxx+x[i]*x[i], sxy+x[i]*y[i]
	}
	n := float64(len(x))
	if d := n*sxx - sx*sx; d != 0 {
		return (n*sxy - sx*sy) / d
	}
	return 0
}

func medianOf(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

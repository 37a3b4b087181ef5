package main

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/testkit/history"
	"risingstars/loadtest/journal"
)

func TestPercentile(t *testing.T) {
	t.Parallel()
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	for _, c := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{nil, .5, 0}, {[]float64{7}, .95, 7}, {hundred, .5, 50}, {hundred, .95, 95}, {hundred, .99, 99}, {hundred[:10], .95, 10},
	} {
		if got := percentile(c.values, c.q); got != c.want {
			t.Errorf("percentile(%d values, %g): got %g, want %g", len(c.values), c.q, got, c.want)
		}
	}
}

func TestReasonsToFail(t *testing.T) {
	t.Parallel()
	fine := func() *result {
		return &result{Scenario: "mix", Uploads: 1, Calls: []callStats{
			{Call: "all", Requests: 1000, Failures: 10}, {Call: journal.Upload, Requests: 600, P95: 2000}, {Call: "list", Requests: 400, P95: 1000},
		}}
	}
	cases := []struct {
		name  string
		spoil func(*result)
		want  []string
	}{
		{"within the criteria", func(*result) {}, []string{}},
		{"no requests", func(r *result) { r.Calls = nil }, []string{"no requests"}},
		{"requests only during the ramp-up", func(r *result) { r.Calls, r.Coming = nil, r.Calls }, []string{"no requests"}},
		{"no acknowledged upload", func(r *result) { r.Uploads = 0 }, []string{"no uploads"}},
		{"slow uploads", func(r *result) { r.Calls[1].P95 = 2001 }, []string{"p95 of upload"}},
		{"slow lists", func(r *result) { r.Calls[2].P95 = 1001 }, []string{"p95 of list"}},
		{"errors", func(r *result) { r.Calls[0].Failures = 11 }, []string{"more than 1 % errors"}},
		{"something lost", func(r *result) { r.Findings = []finding{{Kind: "upload lost", Count: 1}} }, []string{"upload lost"}},
		{"one wrong body", func(r *result) {
			r.Faults = []finding{{Kind: "list: body: own videos not newest first", Count: 1}}
		}, []string{"list: body: own videos not newest first"}},
		{"one refusal of a valid request", func(r *result) {
			r.Faults = []finding{{Kind: "upload: status 400", Count: 1}}
		}, []string{"upload: status 400"}},
		{"unavailable a few times", func(r *result) {
			r.Faults = []finding{{Kind: "upload: status 503", Count: 5}, {Kind: "list: connection: 1211", Count: 5}}
		}, []string{}},
		{"stopped", func(r *result) { r.Stopped = "less than 4 GiB of disk left" }, []string{"stopped: less than 4 GiB of disk left"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := fine()
			c.spoil(r)
			if diff := cmp.Diff(c.want, reasonsToFail(r, true)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Figures of an overloaded platform do not fail the suite; all other reasons do.
func TestFailedOnlyByFigures(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]bool{
		"p95 of upload": true, "more than 1 % errors": true, "not met: workers beside bare FFmpeg": true,
		"upload lost": false, "upload: status 400": false, "list: body: another": false, "no requests": false,
		"stopped: less than 4 GiB of disk left": false,
	} {
		if got := failedOnlyByFigures(&result{Reasons: []string{"p95 of list", reason}}); got != want {
			t.Errorf("%s: got %v", reason, got)
		}
	}
}

func TestCountFindings(t *testing.T) {
	t.Parallel()
	got := countFindings([]history.Finding{{Kind: "vote lost", Detail: "a"}, {Kind: "upload lost", Detail: "b"}, {Kind: "vote lost", Detail: "c"}})
	want := []finding{{Kind: "upload lost", Count: 1, Example: "b"}, {Kind: "vote lost", Count: 2, Example: "a"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestContainsCalls(t *testing.T) {
	t.Parallel()
	entries := []journal.Entry{{Call: "list"}, {Call: journal.Upload}, {Call: journal.Upload, Fault: "status 503"}}
	for _, c := range []struct {
		calls map[string]int
		want  bool
	}{
		{nil, true}, {map[string]int{"list": 1, journal.Upload: 1}, true}, {map[string]int{journal.Upload: 2}, false}, {map[string]int{"ranking": 1}, false},
	} {
		if got := containsCalls(entries, c.calls); got != c.want {
			t.Errorf("%v: got %v", c.calls, got)
		}
	}
}

func TestParseProcessStat(t *testing.T) {
	t.Parallel()
	text := "4242 (a (b) c) S 7 4242 4242 0 -1 4194560 100 0 0 0 150 50 30 20 20 0 5 0 100 1000000 256 18446744073709551615 1 1"
	got, ok := parseProcessStat(text)
	want := processStat{pid: 4242, parent: 7, own: 2, waited: .5, memory: 256 * int64(os.Getpagesize())}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(processStat{})); diff != "" || !ok {
		t.Errorf("%v (-want +got):\n%s", ok, diff)
	}
	if _, ok := parseProcessStat("nonsense"); ok {
		t.Error("nonsense was read")
	}
}

func TestUseOfProcessTree(t *testing.T) {
	t.Parallel()
	all := map[int][]processStat{
		1:  {{pid: 10, parent: 1, own: 1, memory: 100}, {pid: 20, parent: 1, own: 50, memory: 5}},
		10: {{pid: 11, parent: 10, own: 2, waited: 3, memory: 10}},
		11: {{pid: 12, parent: 11, own: 4, memory: 1}},
	}
	if diff := cmp.Diff(resourceUse{cpu: 10, memory: 111}, useOfProcessTree(all, 10), cmp.AllowUnexported(resourceUse{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLeastSquaresSlope(t *testing.T) {
	t.Parallel()
	if got := leastSquaresSlope([]float64{0, 1, 2}, []float64{6, 4, 2}); math.Abs(got+2) > 1e-9 {
		t.Errorf("got %g", got)
	}
	if got := leastSquaresSlope(nil, nil); got != 0 {
		t.Errorf("without points: got %g", got)
	}
}

// The SVG refers to no other file, and a gap in a line stays a gap.
func TestRenderSVG(t *testing.T) {
	t.Parallel()
	svg := chart{title: "a < b", lines: []chartLine{{"one", []float64{0, 1, 2, 3}, []float64{1, math.NaN(), 3, 4}}}}.renderSVG()
	for _, want := range []string{"a &lt; b", "</svg>", ">one<"} {
		if !strings.Contains(svg, want) {
			t.Errorf("the SVG does not contain %q", want)
		}
	}
	if strings.Contains(svg, "NaN") || strings.Contains(svg, "href") {
		t.Error(svg)
	}
}

// On a slow machine, a trial may send all its requests during the ramp-up.
func TestReasonsToFailWithoutTimes(t *testing.T) {
	t.Parallel()
	r := &result{Scenario: "mix", Uploads: 1, Coming: []callStats{{Call: "all", Requests: 1}}}
	if diff := cmp.Diff([]string{}, reasonsToFail(r, false)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

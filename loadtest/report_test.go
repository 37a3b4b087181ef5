package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/loadtest/journal"
)

// A saved result is read back unchanged, and the report and the documentation contain its figures.
func TestResultsAndReport(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	b := &benchmark{log: &bytes.Buffer{}, home: filepath.Join(root, "loadtest"), resultsDir: filepath.Join(root, "loadtest", "results", "now"), quick: true}
	saved := &result{
		Name: "fleet-ramp-100", Kind: "load", Target: fleet, Scenario: "mix", Tool: "locust", Users: 100,
		Began: time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC), Uploads: 3, Passed: true, Reasons: []string{},
		Calls: []callStats{{Call: "all", Requests: 9, P95: 12.5}, {Call: journal.Upload, Requests: 3, P95: 900}},
		series: table{
			head: []string{"seconds", "users", "requests_per_second", "failures", "p95_ms", "connections", "waiting", "cpu_web", "mib_web"},
			rows: [][]string{{"1.00", "50", "4.00", "0", "9.00", "50", "1", "0.50", "30.00"}, {"2.00", "100", "5.00", "0", "9.00", "99", "2", "0.90", "31.00"}},
		},
	}
	failed := &result{Name: "fleet-ramp-200", Kind: "load", Target: fleet, Users: 200, Reasons: []string{"p95 of upload"}, Began: saved.Began.Add(1)}
	for _, r := range []*result{saved, failed} {
		if err := r.saveFiles(b.resultsDir); err != nil {
			t.Fatal(err)
		}
	}

	got, err := readResultFile(b.resultsDir, saved.Name)
	if diff := cmp.Diff(saved, got, cmp.AllowUnexported(result{}, table{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if err := b.writeReport(context.Background()); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(b.resultsDir, "report.html"))
	for _, want := range []string{"fleet-ramp-100: processors in use", "fleet: p95 by users", "Failed by: p95 of upload"} {
		if err != nil || !bytes.Contains(page, []byte(want)) {
			t.Errorf("the report does not contain %q (%v)", want, err)
		}
	}
	list, m, err := b.readAllResults()
	if err != nil {
		t.Fatal(err)
	}
	docs := b.formatCapacityDocs(list, m, []string{"fleet-users-p95"})
	for _, want := range []string{"**100 users**", "200 users (p95 of upload)", "up to **80 users**", "capacity/fleet-users-p95.png"} {
		if !strings.Contains(docs, want) {
			t.Errorf("the documentation does not contain %q", want)
		}
	}
}

// The text before and after the markers stays.
func TestWriteCapacityDocs(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	b := &benchmark{home: filepath.Join(root, "loadtest"), resultsDir: filepath.Join(root, "loadtest", "results", "now")}
	path := filepath.Join(root, "docs", "capacity.md")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("before\n"+docsBegin+"\nold\n"+docsEnd+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	if err := b.writeCapacityDocs(nil, machineInfo{CPU: "a processor"}, nil); err != nil {
		t.Fatal(err)
	}

	text, err := os.ReadFile(path)
	got := string(text)
	if err != nil || !strings.HasPrefix(got, "before\n") || !strings.HasSuffix(got, "\nafter\n") || strings.Contains(got, "old") ||
		!strings.Contains(got, "a processor") {
		t.Errorf("%v\n%s", err, got)
	}
}

// A page without the markers is an error.
func TestWriteCapacityDocsWithoutMarkers(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	path := filepath.Join(root, "docs", "capacity.md")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("text\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &benchmark{home: filepath.Join(root, "loadtest")}
	if err := b.writeCapacityDocs(nil, machineInfo{}, nil); err == nil {
		t.Error("no error")
	}
}

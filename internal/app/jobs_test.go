package app_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// Organizers list the failed videos and retry them while the server runs.
func TestJobs(t *testing.T) {
	t.Parallel()
	for name, engine := range engines() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testJobs(t, engine(t))
		})
	}
}

func testJobs(t *testing.T, settings apptest.Settings) {
	t.Helper()
	settings["WORKERS"], settings["DATA_DIR"] = "1", t.TempDir()
	server := apptest.Start(t, settings)
	jobs := func(args ...string) (string, error) {
		return run(t, settings, append([]string{"jobs"}, args...)...)
	}
	list := func(args ...string) string {
		t.Helper()
		return must(jobs(append([]string{"list"}, args...)...))(t)
	}
	const nothing = "Nothing waits, and nothing has failed.\n"
	if got := list(); got != nothing {
		t.Errorf("at first: got %q, want %q", got, nothing)
	}
	ana := newPlayer(t, server.URL, "ana@example.com")
	id := must(ana.upload(server.URL, `El "mejor" triple de la ñ, "ya"`, apptest.Ruined(t), func() {}))(t)
	ana.waitFor(t, server.URL, id, "failed")

	for _, args := range [][]string{{}, {"--failed"}} {
		wantTable(t, list(args...), `1\s+failed\s+20\S+Z\s+1\s+unplayable\s+El \\"mejor\\" triple de la ñ, \\"ya\\"`)
	}
	out := must(jobs("retry", fmt.Sprint(id)))(t)
	if want := "video 1 is queued again as task 2\n"; out != want {
		t.Errorf("retry: got %q, want %q", out, want)
	}
	testserver.Eventually(t, "it has failed again", func() bool {
		return strings.Contains(list("--failed"), "unplayable")
	})
	originals := must(filepath.Glob(server.DataDir + "/media/videos/*/original.mp4"))(t)
	good := must(os.ReadFile(mediatest.Clip(t, mediatest.Spec{})))(t)
	check(t, os.WriteFile(originals[0], good, 0o600))
	out = must(jobs("retry", "--all"))(t)
	if want := "video 1 is queued again as task 3\n1 queued again, 0 no longer failed\n"; out != want {
		t.Errorf("retry --all: got %q, want %q", out, want)
	}
	ana.waitFor(t, server.URL, id, "processed")
	if got := list(); got != nothing {
		t.Errorf("in the end: got %q, want %q", got, nothing)
	}
}

// Waiting videos are listed before failed ones.
func TestJobsThatWait(t *testing.T) {
	t.Parallel()
	server := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	settings := apptest.Settings{"DATA_DIR": server.DataDir}
	ana := newPlayer(t, server.URL, "ana@example.com")
	for range 2 {
		ana.mustUpload(t, server.URL, mediatest.Clip(t, mediatest.Spec{}))
	}
	execute(t, server.DataDir, `UPDATE videos SET status = 'failed', failure = 'timeout' WHERE id = 1`)

	all := must(run(t, settings, "jobs", "list"))(t)
	failed := must(run(t, settings, "jobs", "list", "--failed"))(t)

	wantTable(t, all, `2\s+uploaded\s+20\S+Z\s+2\s+Triple`, `1\s+failed\s+20\S+Z\s+1\s+timeout\s+Triple`)
	wantTable(t, failed, `1\s+failed\s+20\S+Z\s+1\s+timeout\s+Triple`)
}

// A video without a live worker is told from one whose worker sends heartbeats.
func TestJobsThatAreInterrupted(t *testing.T) {
	t.Parallel()
	for name, engine := range engines() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := engine(t)
			settings["WORKERS"], settings["DATA_DIR"] = "0", t.TempDir()
			server := apptest.Start(t, settings)
			ana := newPlayer(t, server.URL, "ana@example.com")
			for range 2 {
				ana.mustUpload(t, server.URL, mediatest.Clip(t, mediatest.Spec{}))
			}
			db := openDatabase(t, settings)
			must(db.ExecContext(t.Context(), `UPDATE river_job SET state = 'running'`))(t)
			must(db.ExecContext(t.Context(), `UPDATE videos SET status = 'processing', holder = 'somebody'`))(t)
			beating := make(chan struct{})
			ctx, stop := context.WithCancel(t.Context())
			go func() { // ends with stop
				defer close(beating)
				tick := time.NewTicker(100 * time.Millisecond)
				defer tick.Stop()
				for ctx.Err() == nil {
					<-tick.C
					if _, err := db.ExecContext(ctx, `UPDATE videos SET beat = beat + 1 WHERE id = 2`); err != nil && ctx.Err() == nil {
						t.Error(err)
					}
				}
			}()

			table := must(run(t, settings, "jobs", "list"))(t)
			lines := must(run(t, settings, "jobs", "list", "--json"))(t)
			stop()
			<-beating

			const note = "Nobody works on those that are interrupted: "
			wantTable(t, table[:strings.Index(table+note, note)], `1\s+interrupted\s+20\S+Z\s+1\s+Triple`, `2\s+processing\s+20\S+Z\s+2\s+Triple`)
			contains(t, table, note)
			if got := strings.Count(lines, `"interrupted":true`); got != 1 {
				t.Errorf("%d are interrupted, want 1:\n%s", got, lines)
			}
		})
	}
}

func TestJobsRetryRefuses(t *testing.T) {
	t.Parallel()
	server := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	settings := apptest.Settings{"DATA_DIR": server.DataDir}
	newPlayer(t, server.URL, "ana@example.com").mustUpload(t, server.URL, mediatest.Clip(t, mediatest.Spec{}))
	tests := []struct {
		name string
		args []string
		want []string
	}{
		{"nothing named", nil, []string{"name the videos to retry, or give --all"}},
		{"too much named", []string{"--all", "1"}, []string{"name the videos to retry, or give --all"}},
		{"no numbers", []string{"one"}, []string{"one"}},
		{"none of them", []string{"1", "999"}, []string{"video 1: ", "only a failed video can be tried again", "video 999: ", "there is no such video"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			_, err := run(t, settings, append([]string{"jobs", "retry"}, test.args...)...)

			if err == nil {
				t.Fatal("got no error")
			}
			contains(t, err.Error(), test.want...)
		})
	}
}

// Without tables the command says what to do. It does not create a database.
func TestJobsBeforeMigrate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := run(t, apptest.Settings{"DATA_DIR": dir}, "jobs", "list")
	if err == nil || !strings.Contains(err.Error(), "is DATA_DIR right?") {
		t.Errorf("without a database: got %v, want what to do", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("without a database: %v (%v) is left", left, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "risingstars.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = run(t, apptest.Settings{"DATA_DIR": dir}, "jobs", "list")
	if err == nil || !strings.Contains(err.Error(), "run risingstars migrate") {
		t.Errorf("without tables: got %v, want what to do", err)
	}
}

// wantTable checks a table's rows, given as patterns.
func wantTable(tb testing.TB, got string, rows ...string) {
	tb.Helper()
	want := regexp.MustCompile(`^VIDEO\s+STATUS\s+UPLOADED\s+TASK\s+WHY\s+TITLE\n` + strings.Join(rows, `\n`) + `\n$`)
	if !want.MatchString(got) {
		tb.Errorf("got\n%swant %s", got, want)
	}
}

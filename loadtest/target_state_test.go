package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/testkit/history"
	"risingstars/internal/testserver"
)

// programBuilt is the program, built once for all tests of the package.
var programBuilt = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "risingstars-loadtest-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "risingstars")
	build := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-buildvcs=false", "-o", path, "./cmd/risingstars")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return path, fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if builtAny {
		path, _ := programBuilt() // tests have reported the error
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// builtAny is set by the only test that uses the program.
var builtAny bool

// A platform with one public video and a vote for it is read on both engines, so that the check finds every kind of
// damage to the database and the media folder.
func TestReadState(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ffmpeg", "ffprobe", "redis-server"} {
		testserver.Program(t, name)
	}
	testserver.Program(t, "initdb", os.Getenv("RISINGSTARS_TEST_POSTGRES"), "/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin")
	builtAny = true
	cases := []struct {
		name    string
		query   string // damages the database
		pattern string // of the file that is removed
		want    []string
	}{
		{"nothing", "", "", nil},
		{
			"video and vote", `DELETE FROM votes; DELETE FROM videos`, "",
			[]string{"upload lost", "vote lost", "votes of a player miscounted"},
		},
		{"original", "", "original.mp4", []string{"object lost", "original changed"}},
		{"clip", "", "*/clip.mp4", []string{"object lost"}},
		{"poster", "", "*/poster.jpg", []string{"object lost"}},
		{"vote", `DELETE FROM votes`, "", []string{"vote lost", "votes of a player miscounted", "votes of a video miscounted"}},
		{"status", `UPDATE videos SET status = 'processing'`, "", []string{"video unfinished", "votes of a player miscounted"}},
		{"title", `UPDATE videos SET title = 'Otro'`, "", []string{"upload lost", "upload unexpected"}},
		{"job", `UPDATE river_job SET state = 'running', finalized_at = NULL`, "", []string{"job left over", "video processed another number of times"}},
		{"account", `DELETE FROM votes; DELETE FROM players WHERE email = 'fan1@example.com'`, "",
			[]string{"account lost", "vote lost", "votes of a player miscounted", "votes of a video miscounted"}},
	}
	for _, kind := range []string{embedded, fleet} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t.Context(), &bytes.Buffer{})
			t.Cleanup(h.releaseAll)
			var original *target
			var operations []history.Operation
			if err := h.runSteps(func() { original, operations = videoWithVote(t, h, kind) }); err != nil {
				t.Fatal(err)
			}
			for i, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					copied := copyTargetWithoutProcesses(t, original, i)
					damageTarget(t, copied, c.query, c.pattern)

					state, err := copied.readState(t.Context())

					if err != nil {
						t.Fatal(err)
					}
					var got []string
					for _, f := range countFindings(history.Check(operations, state, history.Rules{})) {
						got = append(got, f.Kind)
					}
					if diff := cmp.Diff(c.want, got); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
				})
			}
		})
	}
}

// videoWithVote is a platform with a public video and a vote for it, whose processes have stopped, and the history that
// led to them.
func videoWithVote(t *testing.T, h *harness, kind string) (*target, []history.Operation) {
	t.Helper()
	path, err := programBuilt()
	h.requireNoError(err, "build the program")
	clip, err := makeClipFile(t.Context(), "ffmpeg", t.TempDir(), quickClips[0])
	h.requireNoError(err, "make a clip")
	platform := newTargetWithTables(h, kind, path, true)
	web := platform.startWebProcess("web", settings{"WORKERS": "1"})
	p := newPreparer(platform)
	video := p.publishVideos(1, clip)[0]
	fan := p.signUpAll("fan", 1, true)[0]
	_, err = p.postJSON(fmt.Sprintf("/api/public/videos/%d/vote", video), fan.Token, http.StatusOK, nil)
	h.requireNoError(err, "vote")
	p.recorder.Add(history.Operation{Action: history.Vote, Account: fan.Email, VideoID: video, Outcome: history.Acknowledged})
	h.stopProcess(web)
	return platform, p.recorder.Operations()
}

// copyTargetWithoutProcesses copies database and media, without processes.
func copyTargetWithoutProcesses(t *testing.T, original *target, number int) *target {
	t.Helper()
	c := &target{harness: original.harness, kind: original.kind, mediaDir: t.TempDir()}
	if err := os.CopyFS(c.mediaDir, os.DirFS(original.mediaDir)); err != nil {
		t.Fatal(err)
	}
	var driver, source string
	if original.kind == embedded {
		folder := t.TempDir()
		if err := os.CopyFS(folder, os.DirFS(original.settings["DATA_DIR"])); err != nil {
			t.Fatal(err)
		}
		driver, source = "sqlite", "file:"+filepath.Join(folder, databaseFile)
	} else {
		name := fmt.Sprintf("copy_%d", number)
		if err := original.db.Close(); err != nil { // a template must have no connections
			t.Fatal(err)
		}
		if err := original.postgres.Create(name, "contest"); err != nil {
			t.Fatal(err)
		}
		driver, source = "pgx", original.postgres.URL(name)
	}
	var err error
	if c.db, err = sql.Open(driver, source); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.db.Close() })
	return c
}

// damageTarget changes the database and removes a file from the folder of the only video.
func damageTarget(t *testing.T, platform *target, queries, pattern string) {
	t.Helper()
	for query := range strings.SplitSeq(queries, "; ") {
		if _, err := platform.db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	if pattern == "" {
		return
	}
	paths, err := filepath.Glob(filepath.Join(platform.mediaDir, "videos", "*", pattern))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%s: %v, %v", pattern, paths, err)
	}
	if err := os.Remove(paths[0]); err != nil {
		t.Fatal(err)
	}
}

package app_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// seen returns what the API shows to the public and to a player.
func seen(tb testing.TB, url string, p player) (all []string) {
	tb.Helper()
	for _, path := range []string{"/api/public/rankings", "/api/public/videos", "/api/videos"} {
		var answer any
		must(call(http.MethodGet, url+path, p.token, "", nil, &answer))(tb)
		all = append(all, strings.ReplaceAll(fmt.Sprint(answer), url, ""))
	}
	return all
}

// A contest that ran on SQLite continues on PostgreSQL without a visible difference.
func TestImport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gate := apptest.NewGate(t)
	settings := apptest.Settings{"DATA_DIR": dir, "WORKERS": "1"}
	first := apptest.Start(t, settings)
	ana, beto := newPlayer(t, first.URL, "ana@example.com"), newPlayer(t, first.URL, "beto@example.com")
	star := ana.mustUpload(t, first.URL, mediatest.Clip(t, mediatest.Spec{}))
	ana.waitFor(t, first.URL, star, "processed")
	ana.publish(t, first.URL, star)
	check(t, beto.vote(first.URL, star))
	_, clip := get(t, *ana.video(t, first.URL, star).ProcessedURL)
	before := seen(t, first.URL, ana)
	contains(t, before[0], "votes:1")
	check(t, first.Stop())
	settings["FFMPEG"] = gate.FFmpeg
	second := apptest.Start(t, settings)
	late := beto.mustUpload(t, second.URL, mediatest.Clip(t, mediatest.Spec{}))
	testserver.Eventually(t, "a rendition is under way", func() bool { return len(gate.Arrived(t)) > 0 })
	target := apptest.Settings{"DATABASE_URL": testserver.SharedPostgres(t).NewDatabase(t, ""), "DATA_DIR": t.TempDir()}

	_, err := run(t, target, "import", "--from", dir)
	if err == nil || !strings.Contains(err.Error(), "another risingstars serves from "+dir) {
		t.Fatalf("while a server runs there: got %v", err)
	}
	check(t, second.Stop())
	out, err := run(t, target, "import", "--from", dir)
	check(t, err)

	secret := strings.TrimSpace(string(must(os.ReadFile(filepath.Join(dir, "secret.key")))(t)))
	contains(t, out, "votes: 1 of 1\n", "2 players, 2 videos and 1 votes are in postgres://risingstars@",
		"; 1 videos wait to be processed.\n", "SECRET_KEY_FILE="+filepath.Join(dir, "secret.key"),
		"risingstars storage copy file://"+filepath.Join(dir, "media")+" TO\n")
	if strings.Contains(out, secret) {
		t.Error("the secret is shown")
	}
	target["SECRET_KEY"], target["STORAGE_URL"] = secret, "file://"+filepath.Join(dir, "media")
	moved := apptest.Start(t, target)
	if diff := cmp.Diff(before, seen(t, moved.URL, ana)); diff != "" {
		t.Errorf("(-SQLite +PostgreSQL):\n%s", diff)
	}
	if _, now := get(t, *ana.video(t, moved.URL, star).ProcessedURL); now != clip {
		t.Error("the clip is another")
	}
	if err := beto.vote(moved.URL, star); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("a second vote: got %v", err)
	}
	beto.waitFor(t, moved.URL, late, "processed")
	if next := newPlayer(t, moved.URL, "caro@example.com"); next.vote(moved.URL, star) != nil {
		t.Error("a new player cannot vote")
	}
	_, err = run(t, target, "import", "--from", dir)
	if err == nil || !strings.Contains(err.Error(), "the target has a contest already") {
		t.Errorf("again: got %v", err)
	}
}

func TestImportNeedsBothEnds(t *testing.T) {
	t.Parallel()
	none := t.TempDir()
	key := strings.Repeat("0123456789abcdef", 2)
	postgres := apptest.Settings{"DATABASE_URL": "postgres://u:hunter2@127.0.0.1:1/stars", "SECRET_KEY": key}
	tests := map[string]struct {
		settings apptest.Settings
		args     []string
		want     string
	}{
		"no target":   {nil, []string{"--from", none}, "import needs DATABASE_URL"},
		"no source":   {postgres, nil, "missing flags: --from=DIR"},
		"no contest":  {postgres, []string{"--from", none}, "there is no contest in " + none},
		"no secret":   {apptest.Settings{"DATABASE_URL": postgres["DATABASE_URL"]}, []string{"--from", none}, "SECRET_KEY: must be given"},
		"no database": {postgres, []string{"--from", "contest"}, "connection refused"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, arg := range test.args {
				if arg == "contest" {
					test.args[i] = t.TempDir()
					check(t, second(run(t, apptest.Settings{"DATA_DIR": test.args[i]}, "migrate")))
				}
			}

			out, err := run(t, test.settings, append([]string{"import"}, test.args...)...)

			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to say %q", err, test.want)
			}
			if strings.Contains(fmt.Sprint(out, err), "hunter2") {
				t.Errorf("the password is shown: %v %s", err, out)
			}
		})
	}
	if got := files(t, none); len(got) > 0 {
		t.Errorf("the folder without a contest has %q now", got)
	}
}

func second[T any](_ T, err error) error { return err }

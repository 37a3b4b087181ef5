package app_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
)

// A backup that is made during uploads, deletions and votes contains everything that was acknowledged before it
// began, and each of its rows has its objects.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, nil)
	star := newPlayer(t, s.URL, "star@example.com")
	clip := mediatest.Clip(t, mediatest.Spec{})
	public := star.mustUpload(t, s.URL, clip)
	star.waitFor(t, s.URL, public, "processed")
	star.publish(t, s.URL, public)
	var fans []player
	for i := range 40 {
		fans = append(fans, newPlayer(t, s.URL, fmt.Sprintf("fan%d@example.com", i)))
	}
	for _, fan := range fans[:20] {
		check(t, fan.vote(s.URL, public))
	}
	stop := make(chan struct{})
	var load sync.WaitGroup
	load.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			id, err := star.upload(s.URL, fmt.Sprint("Triple ", i), clip, func() {})
			if err == nil {
				_, err = call(http.MethodDelete, fmt.Sprintf("%s/api/videos/%d", s.URL, id), star.token, "", nil, nil)
			}
			if err != nil {
				t.Errorf("upload and delete: %v", err)
			}
			_ = fans[20+i%20].vote(s.URL, public) // from the second round on they are refused
		}
	})

	var backups []string
	for i := range 5 {
		backups = append(backups, filepath.Join(t.TempDir(), "copies", fmt.Sprint(i)))
		must(run(t, apptest.Settings{"DATA_DIR": s.DataDir}, "backup", backups[i]))(t)
	}
	close(stop)
	load.Wait()

	for _, folder := range backups {
		restored := filepath.Join(t.TempDir(), "restored")
		must(run(t, apptest.Settings{"DATA_DIR": restored}, "restore", folder))(t)
		media := ofVideos(files(t, filepath.Join(restored, "media")))
		if diff := cmp.Diff(objects(rows(t, restored)), media); diff != "" {
			t.Errorf("objects of %s (-rows +files):\n%s", folder, diff)
		}
		r := apptest.Start(t, apptest.Settings{"DATA_DIR": restored})
		for _, fan := range fans[:20] { // with the tokens from before the backup: the secret is the same
			if err := fan.vote(r.URL, public); err == nil || !strings.Contains(err.Error(), "already voted") {
				t.Errorf("the vote of %s: %v", fan.email, err)
			}
		}
		check(t, r.Stop())
	}
}

// The restored contest answers as the original does.
func TestRestore(t *testing.T) {
	t.Parallel()
	s, star, public := aContest(t)
	folder, restored := filepath.Join(t.TempDir(), "backup"), t.TempDir() // an empty folder is allowed

	out := must(run(t, apptest.Settings{"DATA_DIR": s.DataDir}, "backup", folder))(t)
	contains(t, out, "6 files of media")
	out = must(run(t, apptest.Settings{"DATA_DIR": restored}, "restore", folder))(t)
	contains(t, out, "verified")

	r := apptest.Start(t, apptest.Settings{"DATA_DIR": restored})
	for _, path := range []string{"/api/public/rankings", "/api/public/videos", "/api/videos"} {
		want, got := body(t, s.URL+path, star.token), body(t, r.URL+path, star.token)
		got = strings.ReplaceAll(got, r.URL, s.URL)
		if path == "/api/videos" {
			want, got = unsigned(want), unsigned(got)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	want, got := *star.video(t, s.URL, public).ProcessedURL, *star.video(t, r.URL, public).ProcessedURL
	if body(t, want, "") != body(t, got, "") {
		t.Error("the clips differ")
	}
	if _, err := run(t, apptest.Settings{"DATA_DIR": restored}, "restore", folder); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("restore over a contest: %v", err)
	}
	if _, err := run(t, apptest.Settings{"DATA_DIR": s.DataDir}, "backup", folder); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("backup over a backup: %v", err)
	}
}

// A damaged backup is refused with an error that names the problem, and restore leaves no files.
func TestRestoreOfADamagedBackup(t *testing.T) {
	t.Parallel()
	s, _, _ := aContest(t)
	tests := map[string]struct {
		damage func(folder string, media []string) error
		want   func(media []string) string
	}{
		"a flipped bit in a clip": {
			func(folder string, media []string) error { return flip(filepath.Join(folder, media[0])) },
			func(media []string) string { return media[0] + " is not as it was written" },
		},
		"a flipped bit in the database": {
			func(folder string, _ []string) error { return flip(filepath.Join(folder, "risingstars.db")) },
			func([]string) string { return "risingstars.db is not as it was written" },
		},
		"a missing clip": {
			func(folder string, media []string) error {
				return os.Remove(filepath.Join(folder, media[1]))
			},
			func(media []string) string { return media[1] + " is missing" },
		},
		"a file that is cut": {
			func(folder string, media []string) error {
				return replace(filepath.Join(folder, media[2]), func(b []byte) []byte { return b[:len(b)-1] })
			},
			func(media []string) string { return media[2] + " is not as it was written" },
		},
		"one file more": {
			func(folder string, _ []string) error {
				return os.WriteFile(filepath.Join(folder, "more"), nil, 0o600)
			},
			func([]string) string { return "more is not the backup's" },
		},
		"a manifest that is cut": {
			func(folder string, _ []string) error {
				return replace(filepath.Join(folder, "manifest.json"), func(b []byte) []byte { return b[:len(b)/2] })
			},
			func([]string) string { return "manifest.json is damaged" },
		},
		"no manifest": {
			func(folder string, _ []string) error {
				return os.Remove(filepath.Join(folder, "manifest.json"))
			},
			func([]string) string { return "is no backup" },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			folder := filepath.Join(dir, "backup")
			must(run(t, apptest.Settings{"DATA_DIR": s.DataDir}, "backup", folder))(t)
			var media []string
			for _, path := range files(t, filepath.Join(folder, "media")) {
				media = append(media, filepath.Join("media", path))
			}
			check(t, test.damage(folder, media))

			_, err := run(t, apptest.Settings{"DATA_DIR": filepath.Join(dir, "data")}, "restore", folder)

			if err == nil || !strings.Contains(err.Error(), test.want(media)) {
				t.Errorf("got %v, want %q", err, test.want(media))
			}
			if diff := cmp.Diff([]string{"backup"}, names(t, dir)); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
		})
	}
}

// A missing object of a video that was not deleted makes the backup fail.
func TestBackupOfADamagedContest(t *testing.T) {
	t.Parallel()
	s, _, _ := aContest(t)
	dir := t.TempDir()
	lost := files(t, filepath.Join(s.DataDir, "media", "videos"))[0]
	check(t, os.Remove(filepath.Join(s.DataDir, "media", "videos", lost)))

	_, err := run(t, apptest.Settings{"DATA_DIR": s.DataDir}, "backup", filepath.Join(dir, "backup"))

	if err == nil || !strings.Contains(err.Error(), lost+" is not in the storage") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string(nil), names(t, dir)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// aContest serves two processed videos, one of them public and with votes.
func aContest(t *testing.T) (s *apptest.Server, star player, public int64) {
	t.Helper()
	s = apptest.Start(t, nil)
	star = newPlayer(t, s.URL, "star@example.com")
	for range 2 {
		public = star.mustUpload(t, s.URL, mediatest.Clip(t, mediatest.Spec{}))
		star.waitFor(t, s.URL, public, "processed")
	}
	star.publish(t, s.URL, public)
	check(t, newPlayer(t, s.URL, "fan@example.com").vote(s.URL, public))
	return s, star, public
}

func flip(path string) error {
	return replace(path, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
}

// replace writes a new file instead of changing the old one, which may be a hard link to the contest's file.
func replace(path string, change func([]byte) []byte) error {
	content, err := os.ReadFile(path)
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(path, change(content), 0o600)
}

func names(tb testing.TB, folder string) (list []string) {
	tb.Helper()
	for _, entry := range must(os.ReadDir(folder))(tb) {
		list = append(list, entry.Name())
	}
	slices.Sort(list)
	return list
}

func body(tb testing.TB, url, token string) string {
	tb.Helper()
	request := must(http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil))(tb)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer := must(httpClient.Do(request))(tb)
	defer answer.Body.Close()
	text := string(must(io.ReadAll(answer.Body))(tb))
	if answer.StatusCode != http.StatusOK {
		tb.Errorf("%s: %s %s", url, answer.Status, text)
	}
	return text
}

// unsigned removes the query of presigned links, which depends on the time.
func unsigned(text string) string {
	parts := strings.Split(text, "?")
	for i := range parts[1:] {
		if _, rest, ok := strings.Cut(parts[i+1], `"`); ok {
			parts[i+1] = `"` + rest
		}
	}
	return strings.Join(parts, "?")
}

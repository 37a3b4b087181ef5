package app_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
)

func TestDoctor(t *testing.T) {
	t.Parallel()
	ffmpeg := mediatest.Program(t, "ffmpeg")
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o600))
	tests := []struct {
		name     string
		settings apptest.Settings
		says     []string
		err      string // "" for none
	}{
		{"all well", nil, []string{
			"setting   LISTEN_ADDR = 127.0.0.1:8080\n", "database  SQLite, tables at version ", "storage   ", "secret    will be generated",
			"passwords bcrypt with a work factor of 10\n", "ffmpeg    ffmpeg ", "sandbox   ", "seccomp: no network, no other processes; limits of memory, time and output", "All that the platform needs is there.\n",
		}, ""},
		{"cheap passwords", apptest.Settings{"PASSWORD_COST": "4"}, []string{
			"warn  passwords bcrypt with a work factor of 4\n", "→ set PASSWORD_COST to 10 or more", "All that the platform needs is there.\n",
		}, ""},
		{"a secret", apptest.Settings{"SECRET_KEY": "correct-horse-battery-staple-0123"}, []string{"SECRET_KEY = ********\n"}, ""},
		{"no FFmpeg", apptest.Settings{"FFMPEG": "/nonexistent/ffmpeg"}, []string{
			"FAIL  ffmpeg ", "/nonexistent/ffmpeg", "→ install FFmpeg 4.4 or newer",
		}, "1 of the parts"},
		{"no ffprobe", apptest.Settings{"FFPROBE": "no-such-ffprobe"}, []string{
			"FAIL  ffmpeg ", "no-such-ffprobe", "→ install FFmpeg 4.4 or newer",
		}, "1 of the parts"},
		{"an FFmpeg without its encoder", apptest.Settings{
			"FFMPEG": apptest.Script(t, `"`+ffmpeg+`" "$@" | grep -v libx264`),
		}, []string{"FAIL  ffmpeg    encoder libx264 is missing\n"}, "1 of the parts"},
		{"an FFmpeg that makes HDR pale", apptest.Settings{
			"FFMPEG": apptest.Script(t, `"`+ffmpeg+`" "$@" | grep -v zscale`),
		}, []string{"warn  ffmpeg    filter zscale is missing\n", "HDR", "All that the platform needs is there.\n"}, ""},
		{"an FFmpeg that is a script", apptest.Settings{"FFMPEG": apptest.Script(t, `exec "`+ffmpeg+`" "$@"`)}, []string{
			"warn  sandbox   files open to it; no system calls refused; limits of memory, time and output (script is a script)\n",
			"→ a hostile video", "All that the platform needs is there.\n",
		}, ""},
		{"a script where it must be confined", apptest.Settings{
			"FFMPEG": apptest.Script(t, `exec "`+ffmpeg+`" "$@"`), "SANDBOX": "required",
		}, []string{"FAIL  ffmpeg    SANDBOX is required, and FFmpeg cannot be confined here: "}, "1 of the parts"},
		{"no sandbox", apptest.Settings{"SANDBOX": "off"}, []string{
			"warn  sandbox   files open to it; no system calls refused; limits of memory, time and output (SANDBOX is off)\n",
		}, ""},
		{"a file for the data", apptest.Settings{"DATA_DIR": file}, []string{
			"FAIL  database  make DATA_DIR: ", "→ make DATA_DIR a folder that this user can write to",
		}, "1 of the parts"},
		{"a file for the media", apptest.Settings{"STORAGE_URL": "file://" + file}, []string{
			"FAIL  storage   ", "→ make the folder one that this user can write to",
		}, "1 of the parts"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			settings := apptest.Settings{"DATA_DIR": t.TempDir()}
			maps.Copy(settings, test.settings)

			out, err := run(t, settings, "doctor")

			contains(t, out, test.says...)
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("got %v, want %q", err, test.err)
			}
			if diff := cmp.Diff(test.err != "", strings.Contains("\n"+out, "\nFAIL ")); diff != "" {
				t.Errorf("a part failed (-want +got):\n%s\n%s", diff, out)
			}
			if secret := settings["SECRET_KEY"]; secret != "" && strings.Contains(out, secret) {
				t.Errorf("the secret is shown:\n%s", out)
			}
		})
	}
}

// Beside a server that runs, doctor finds nothing wrong and disturbs nothing.
func TestDoctorBesideServer(t *testing.T) {
	t.Parallel()
	server := apptest.Start(t, nil)

	out, err := run(t, apptest.Settings{"DATA_DIR": server.DataDir}, "doctor")

	check(t, err)
	contains(t, out, "ok    secret    kept in "+filepath.Join(server.DataDir, "secret.key"))
	newPlayer(t, server.URL, "ana@example.com")
}

func TestDoctorOnABrokenSecret(t *testing.T) {
	t.Parallel()
	settings := apptest.Settings{"DATA_DIR": t.TempDir()}
	check(t, os.WriteFile(filepath.Join(settings["DATA_DIR"], "secret.key"), []byte("short\n"), 0o600))

	out, err := run(t, settings, "doctor")

	if err == nil {
		t.Error("got no error")
	}
	contains(t, out, "FAIL  secret ", "→ restore secret.key from a backup")
	if _, err := run(t, settings, "serve"); err == nil || !strings.Contains(err.Error(), "secret.key") {
		t.Errorf("serve: got %v, want a refusal", err)
	}
}

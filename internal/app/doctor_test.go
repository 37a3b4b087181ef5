package app_test

import (
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

func TestDoctor(t *testing.T) {
	t.Parallel()
	ffmpeg := mediatest.Program(t, "ffmpeg")
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o600))
	nowhere := t.TempDir()
	deaf := must(new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0"))(t)
	t.Cleanup(func() { _ = deaf.Close() })
	taken := deaf.Addr().String()
	go func() { // ends with the listener
		for {
			conn, err := deaf.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	tests := []struct {
		name     string
		settings apptest.Settings
		says     []string
		err      string // "" for none
	}{
		{"all well", nil, []string{
			"listen    LISTEN_ADDR: 127.0.0.1:0 is free\n", "ok    data      ", "database  SQLite, not there yet: serve makes ", "storage   ", "secret    will be generated",
			"passwords bcrypt with a work factor of 10\n", "ffmpeg    ffmpeg ", "sandbox   ", "seccomp: no network, no other processes; limits of memory, time and output", "All that the platform needs is there.\n",
		}, ""},
		{"cheap passwords", apptest.Settings{"PASSWORD_COST": "4"}, []string{
			"warn  passwords bcrypt with a work factor of 4\n", "→ set PASSWORD_COST to 10 or more", "All that the platform needs is there.\n",
		}, ""},
		{"a secret", apptest.Settings{"SECRET_KEY": "correct-horse-battery-staple-0123"}, []string{"ok    secret    SECRET_KEY is given\n"}, ""},
		{"no FFmpeg", apptest.Settings{"FFMPEG": "/nonexistent/ffmpeg"}, []string{
			"FAIL  ffmpeg ", "/nonexistent/ffmpeg", "→ mend FFMPEG, or leave it out for the program in PATH; or install FFmpeg 4.4 or newer",
		}, "1 of the parts"},
		{"no ffprobe", apptest.Settings{"FFPROBE": "no-such-ffprobe"}, []string{
			"FAIL  ffmpeg ", "no-such-ffprobe", "→ mend FFPROBE, or leave it out for the program in PATH; or install FFmpeg 4.4 or newer",
		}, "1 of the parts"},
		{"an FFmpeg without its encoder", apptest.Settings{
			"FFMPEG": apptest.Script(t, `"`+ffmpeg+`" "$@" | grep -v libx264`),
		}, []string{"FAIL  ffmpeg    encoder libx264 is missing\n"}, "1 of the parts"},
		{"an FFmpeg that lacks much", apptest.Settings{
			"FFMPEG": apptest.Script(t, `"`+ffmpeg+`" "$@" | grep -v -e libx264 -e overlay`),
		}, []string{"FAIL  ffmpeg    encoder libx264, filter overlay are missing\n", "→ mend FFMPEG"}, "1 of the parts"},
		{"an FFmpeg that makes HDR pale", apptest.Settings{
			"FFMPEG": apptest.Script(t, `"`+ffmpeg+`" "$@" | grep -v zscale`),
		}, []string{"warn  ffmpeg    filter zscale is missing\n", "HDR", "All that the platform needs is there.\n"}, ""},
		{"an FFmpeg that is a script", apptest.Settings{"FFMPEG": apptest.Script(t, `exec "`+ffmpeg+`" "$@"`)}, []string{
			"warn  sandbox   files open to it; no system calls refused; limits of memory, time and output (script is a script)\n",
			"→ a hostile video", "All that the platform needs is there.\n",
		}, ""},
		{"a script where it must be confined", apptest.Settings{
			"FFMPEG": apptest.Script(t, `exec "`+ffmpeg+`" "$@"`), "SANDBOX": "required",
		}, []string{"FAIL  ffmpeg    SANDBOX is required, and FFmpeg cannot be confined here: ", "or set SANDBOX to auto\n"}, "1 of the parts"},
		{"no sandbox", apptest.Settings{"SANDBOX": "off"}, []string{
			"warn  sandbox   files open to it; no system calls refused; limits of memory, time and output (SANDBOX is off)\n",
		}, ""},
		{"a file for the data", apptest.Settings{"DATA_DIR": file}, []string{
			"FAIL  data      DATA_DIR: " + file + " is a file\n", "→ name a folder as DATA_DIR\n",
		}, "1 of the parts"},
		{"a file for the media", apptest.Settings{"STORAGE_URL": "file://" + file}, []string{
			"FAIL  storage   ", "→ let this user write to " + file + ", or name another folder as STORAGE_URL\n",
		}, "1 of the parts"},
		{"a folder that is not there", apptest.Settings{"DATA_DIR": filepath.Join(nowhere, "data")}, []string{
			"warn  data      " + nowhere + "/data is not there yet: serve makes it\n", "→ mend DATA_DIR",
			"ok    storage   " + nowhere + "/data/media is not there yet", "GiB free for ", "All that the platform needs is there.\n",
		}, ""},
		{"a folder for the media that is not there", apptest.Settings{"STORAGE_URL": "file://" + nowhere + "/media"}, []string{
			"warn  storage   " + nowhere + "/media is not there yet: serve makes it\n", "→ mend STORAGE_URL", "All that the platform needs is there.\n",
		}, ""},
		{"an address that is taken", apptest.Settings{"LISTEN_ADDR": taken, "METRICS_ADDR": taken}, []string{
			"FAIL  listen    LISTEN_ADDR: another program listens at " + taken, "→ stop it, or choose another LISTEN_ADDR",
			"FAIL  listen    METRICS_ADDR: another program listens at " + taken,
		}, "2 of the parts"},
		{"an address of somebody else", apptest.Settings{"LISTEN_ADDR": "192.0.2.1:8080"}, []string{
			"FAIL  listen    LISTEN_ADDR: ", "→ choose an address of this host as LISTEN_ADDR",
		}, "1 of the parts"},
		{"an image that is none", apptest.Settings{"BRAND_CURTAIN": file}, []string{
			"FAIL  brand     BRAND_CURTAIN: ", file + " is not a PNG image",
		}, "1 of the parts"},
		{"a disk with too little room", apptest.Settings{"MIN_FREE_BYTES": "1000000000000000000"}, []string{
			"FAIL  disk      ", "→ free some, or lower MIN_FREE_BYTES: uploads are refused while less than 931322574.6 GiB are free",
		}, "1 of the parts"},
		{"an image of another size", apptest.Settings{"BRAND_CURTAIN": picture(t, 800, 600, teal)}, []string{
			"FAIL  brand     BRAND_CURTAIN: ", "is 800×600, and must be from 1280×720",
		}, "1 of the parts"},
		{"images", apptest.Settings{"BRAND_WATERMARK": picture(t, 200, 100, teal)}, []string{"ok    brand     "}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			settings := apptest.Settings{"DATA_DIR": dir, "LISTEN_ADDR": "127.0.0.1:0"}
			maps.Copy(settings, test.settings)

			out, err := run(t, settings, "doctor")

			contains(t, out, test.says...)
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("got %v, want %q", err, test.err)
			}
			if diff := cmp.Diff(test.err != "", strings.Contains("\n"+out, "\nFAIL ")); diff != "" {
				t.Errorf("a part failed (-want +got):\n%s\n%s", diff, out)
			}
			for _, folder := range []string{dir, nowhere} {
				if made := must(os.ReadDir(folder))(t); len(made) > 0 {
					t.Errorf("it made %v", made)
				}
			}
			if secret := settings["SECRET_KEY"]; secret != "" && strings.Contains(out, secret) {
				t.Errorf("the secret is shown:\n%s", out)
			}
		})
	}
}

// A virtual file system such as /proc is not accepted for data, although root may write there.
func TestDoctorOnNoDisk(t *testing.T) {
	t.Parallel()
	if stat, err := os.Stat("/proc/self"); err != nil || !stat.IsDir() {
		t.Skip("there is no /proc")
	}

	out, err := run(t, apptest.Settings{"DATA_DIR": "/proc/stars", "LISTEN_ADDR": "127.0.0.1:0"}, "doctor")

	if err == nil || !strings.Contains(err.Error(), "1 of the parts") {
		t.Errorf("got %v", err)
	}
	contains(t, out, "FAIL  data      DATA_DIR: /proc", "name another folder as DATA_DIR\n")
	if strings.Contains(out, "MIN_FREE_BYTES") || strings.Contains(out, "mount the folder") {
		t.Errorf("it advises what does not help:\n%s", out)
	}
}

// The settings come last, and only with the flag.
func TestDoctorShowsSettings(t *testing.T) {
	t.Parallel()
	const secret = "correct-horse-battery-staple-0123"
	settings := apptest.Settings{"DATA_DIR": t.TempDir(), "LISTEN_ADDR": "127.0.0.1:0", "SECRET_KEY": secret}

	plain := must(run(t, settings, "doctor"))(t)
	full := must(run(t, settings, "doctor", "--settings"))(t)

	findings, shown, _ := strings.Cut(full, "\nSettings:\n")
	contains(t, shown, "  LISTEN_ADDR = 127.0.0.1:0\n", "  SECRET_KEY = ********\n")
	contains(t, findings, "ok    sandbox ")
	if strings.Contains(plain, "LISTEN_ADDR = ") || strings.Contains(full, secret) {
		t.Errorf("got\n%s%s", plain, full)
	}
}

// While a server runs, doctor reports no problem and does not disturb it.
func TestDoctorBesideServer(t *testing.T) {
	t.Parallel()
	server := apptest.Start(t, nil)

	addr := strings.TrimPrefix(server.URL, "http://")

	out, err := run(t, apptest.Settings{"DATA_DIR": server.DataDir, "LISTEN_ADDR": addr}, "doctor")

	check(t, err)
	contains(t, out, "LISTEN_ADDR: a risingstars serves at "+addr+" already", "database  SQLite, tables at version ")
	contains(t, out, "ok    secret    kept in "+filepath.Join(server.DataDir, "secret.key"))
	newPlayer(t, server.URL, "ana@example.com")
	check(t, server.Stop())
	before := files(t, server.DataDir)
	_, err = run(t, apptest.Settings{"DATA_DIR": server.DataDir, "LISTEN_ADDR": addr}, "doctor")
	check(t, err)
	if diff := cmp.Diff(before, files(t, server.DataDir)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

func TestDoctorOnABrokenSecret(t *testing.T) {
	t.Parallel()
	settings := apptest.Settings{"DATA_DIR": t.TempDir(), "LISTEN_ADDR": "127.0.0.1:0"}
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

// doctor, and once every other command, reports a misspelt setting with the right name.
func TestMisspeltSettings(t *testing.T) {
	t.Parallel()
	mediatest.Program(t, "ffmpeg")
	settings := apptest.Settings{"DATA_DIR": t.TempDir(), "LISTEN_ADDR": "127.0.0.1:0", "LISTEN_ADR": "0.0.0.0:80", "WORKERS": "0"}

	p := launch(t, settings, "doctor")

	if code := p.wait(); code != 0 {
		t.Errorf("got %d:\n%s", code, p.log)
	}
	contains(t, p.out.String(), "warn  setting   LISTEN_ADR is none, and is not read\n", "→ write LISTEN_ADDR if that is meant\n")
	const warning = "name=LISTEN_ADR meant=LISTEN_ADDR"
	contains(t, serve(t, settings).log.String(), "level=WARN", "looks like a setting and is none", warning)
	for command, want := range map[string]int{"migrate": 1, "audit": 1, "version": 0, "--help": 0} {
		settings["DATA_DIR"] = t.TempDir()
		p := launch(t, settings, command)
		p.wait()
		if got := strings.Count(p.log.String(), warning); got != want {
			t.Errorf("%s warns %d times, want %d:\n%s", command, got, want, p.log)
		}
	}
}

// If both the database and FFmpeg are unusable, both are reported.
func TestBothAreWrong(t *testing.T) {
	t.Parallel()
	settings := apptest.Settings{"DATA_DIR": t.TempDir(), "LISTEN_ADDR": "127.0.0.1:0", "FFMPEG": "/no/ffmpeg"}
	check(t, os.Mkdir(filepath.Join(settings["DATA_DIR"], "risingstars.db"), 0o700)) // not a file
	_, err := run(t, settings, "serve")
	if err == nil || !strings.Contains(err.Error(), "/no/ffmpeg") || !strings.Contains(err.Error(), "risingstars.db") {
		t.Errorf("got %v", err)
	}
}

// A database that cannot be reached is reported in one line, without the password.
func TestDatabaseOutOfReach(t *testing.T) {
	t.Parallel()
	mediatest.Program(t, "ffmpeg")
	nobody := testserver.FreeAddr(t)
	for url, why := range map[string]string{
		"postgres://stars:hunter2@" + nobody + "/stars":                                        "no connection to PostgreSQL at " + nobody + " as stars: connection refused",
		"postgres://stars:hunter2@host.invalid/stars":                                          "no connection to PostgreSQL at host.invalid as stars: ",
		"postgres://stars:hunter2@" + nobody + "/stars?sslmode=verify-ca&sslrootcert=/no/file": "the file /no/file, which it names, cannot be read",
	} {
		settings := apptest.Settings{
			"DATA_DIR": t.TempDir(), "LISTEN_ADDR": "127.0.0.1:0", "DATABASE_URL": url, "SECRET_KEY": "a secret of 32 characters or more, 0123456789",
		}
		_, err := run(t, settings, "migrate")
		if err == nil || !strings.Contains(err.Error(), "DATABASE_URL: "+why) || strings.ContainsAny(err.Error(), "\n\t") ||
			strings.Contains(err.Error(), "hunter2") {
			t.Errorf("migrate: got %v, want %q", err, why)
		}
		out, err := run(t, settings, "doctor")
		if err == nil || strings.Contains(out, "hunter2") {
			t.Errorf("doctor: got %v:\n%s", err, out)
		}
		contains(t, out, "FAIL  database  DATABASE_URL: "+why)
	}
}

package app_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/config"
)

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {}} {
		out, err := run(t, nil, args...)

		check(t, err)
		contains(t, out, "risingstars serve", "migrate", "doctor", "jobs list", "jobs retry", "version")
		for setting := range reflect.TypeFor[config.Settings]().Fields() {
			name := setting.Tag.Get("setting")
			// Line breaks do not matter.
			if !strings.Contains(strings.Join(strings.Fields(out), " "), "["+name+"]") {
				t.Errorf("help does not mention %s:\n%s", name, out)
			}
		}
	}
}

// Each command's help shows the settings that it uses, and no others.
func TestHelpOfACommand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		command   string
		has, lack []string
	}{
		{"serve", []string{"LISTEN_ADDR", "DATA_DIR", "WORKERS", "LIMIT_VOTES"}, nil},
		{"worker", []string{"DATABASE_URL", "SECRET_KEY", "FFMPEG", "METRICS_ADDR"}, []string{"LISTEN_ADDR", "LIMIT_VOTES"}},
		{"jobs list", []string{"DATA_DIR", "DATABASE_URL", "LOG_LEVEL"}, []string{"LISTEN_ADDR", "WORKERS", "STOP_GRACE"}},
		{"audit", []string{"DATA_DIR", "DATABASE_URL"}, []string{"LISTEN_ADDR", "WORKERS"}},
		{"password", []string{"DATA_DIR", "PASSWORD_COST"}, []string{"ACCESS_TOKEN_EXPIRE_SECONDS"}},
		{"healthcheck", []string{"LISTEN_ADDR", "METRICS_ADDR"}, []string{"DATA_DIR", "LOG_LEVEL"}},
		{"storage copy", []string{"STORAGE_URL", "S3_SECRET_KEY"}, []string{"DATABASE_URL", "WORKERS"}},
		{"backup", []string{"DATA_DIR", "STORAGE_URL"}, []string{"DATABASE_URL", "WORKERS"}},
		{"restore", []string{"DATA_DIR"}, []string{"STORAGE_URL", "WORKERS"}},
		{"version", nil, []string{"DATA_DIR", "LOG_LEVEL"}},
	}
	for _, test := range tests {
		t.Run(test.command, func(t *testing.T) {
			t.Parallel()

			out, err := run(t, nil, append(strings.Fields(test.command), "--help")...)

			check(t, err)
			for name, want := range map[bool][]string{true: test.has, false: test.lack} {
				for _, setting := range want {
					if got := strings.Contains(out, "["+setting+"]"); got != name {
						t.Errorf("%s is shown: %t, want %t:\n%s", setting, got, name, out)
					}
				}
			}
			if whole := test.command == "serve"; strings.Contains(out, "risingstars --help") == whole {
				t.Errorf("it says where the other settings are: %t\n%s", !whole, out)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()

	out, err := run(t, nil, "version")

	check(t, err)
	if flag := must(run(t, apptest.Settings{"WORKERS": "many"}, "--version"))(t); flag != out {
		t.Errorf("--version prints %q, version %q", flag, out)
	}
	if want := regexp.MustCompile(`^risingstars dev \(go1\.\S+, \w+/\w+\)\n$`); !want.MatchString(out) {
		t.Errorf("got %q, want %s", out, want)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"unknown command", []string{"dance"}, "unexpected argument dance"},
		{"unknown flag", []string{"serve", "--loud"}, "unknown flag --loud"},
		{"flag of the wrong kind", []string{"serve", "--stop-grace=soon"}, "--stop-grace"},
		{"command without its own", []string{"jobs"}, "list"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			_, err := run(t, nil, test.args...)

			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "risingstars --help") {
				t.Errorf("got %v, want it to say %q and how to get help", err, test.want)
			}
		})
	}
}

// All problems of the settings are reported at once, each with its name, and no secret is printed.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := apptest.Settings{
		"LISTEN_ADDR": "nowhere", "METRICS_ADDR": "127.0.0.1:http", "PUBLIC_URL": "ftp://x", "STORAGE_URL": "https://bucket",
		"SECRET_KEY": "too-short-to-be-good", "ACCESS_TOKEN_EXPIRE_SECONDS": "an hour", "PASSWORD_COST": "99", "RATE_LIMIT": "maybe",
		"MAX_UPLOAD_BYTES": "0", "WORKERS": "many", "FFMPEG_THREADS": "-1", "STOP_GRACE": "soon", "LOG_FORMAT": "xml",
		"LOG_LEVEL": "loud", "BRAND_CURTAIN": filepath.Join(dir, "no.png"), "BRAND_WATERMARK_FILE": filepath.Join(dir, "none"),
	}

	_, err := run(t, bad, "serve")

	if err == nil {
		t.Fatal("got no error")
	}
	contains(t, err.Error(), "settings:\n")
	for name := range bad {
		if n := strings.Count("\n"+err.Error(), "\n"+name+":"); n != 1 {
			t.Errorf("%s is named %d times, want once:\n%v", name, n, err)
		}
	}
	if strings.Contains(err.Error(), bad["SECRET_KEY"]) {
		t.Errorf("the secret is shown: %v", err)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	settings := apptest.Settings{"DATA_DIR": filepath.Join(t.TempDir(), "new", "data")}

	first, err := run(t, settings, "migrate")
	check(t, err)
	second, err := run(t, settings, "migrate")
	check(t, err)

	if want := regexp.MustCompile(`^The tables were brought from version 0 to \d+, the job queue's from 0 to \d+\.\n$`); !want.MatchString(first) {
		t.Errorf("first: got %q, want %s", first, want)
	}
	if want := regexp.MustCompile(`^The tables are up to date \(version \d+, job queue \d+\)\.\n$`); !want.MatchString(second) {
		t.Errorf("second: got %q, want %s", second, want)
	}
	_, err = run(t, settings, "jobs", "list")
	check(t, err)
}

// Tables of a newer version are not changed.
func TestNewerTables(t *testing.T) {
	t.Parallel()
	settings := apptest.Settings{"DATA_DIR": t.TempDir(), "LISTEN_ADDR": "127.0.0.1:0"}
	_, err := run(t, settings, "migrate")
	check(t, err)
	execute(t, settings["DATA_DIR"], `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)

	for _, command := range []string{"serve", "migrate"} {
		_, err := run(t, settings, command)
		if err == nil || !strings.Contains(err.Error(), "made by a newer program") {
			t.Errorf("%s: got %v, want a refusal", command, err)
		}
	}
	out, err := run(t, settings, "doctor")
	if err == nil {
		t.Error("doctor: got no error")
	}
	contains(t, out, "FAIL  database", "a newer program made these tables")
}

// Every command that needs DATA_DIR reports an unusable one by its name.
func TestBadDataDir(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o600))
	locked := filepath.Join(t.TempDir(), "locked")
	check(t, os.Mkdir(locked, 0o500))
	tests := []struct {
		name, dir   string
		named, want string
		rootCan     bool // then the test proves nothing
	}{
		{"a file", file, file, "not a directory", false},
		{"below a file", filepath.Join(file, "data"), file, "not a directory", false},
		{"not writable", filepath.Join(locked, "data"), locked, "permission denied", true},
		{"there, not writable", locked, locked, "", true},
	}
	for _, test := range tests {
		for _, command := range [][]string{{"serve"}, {"migrate"}, {"jobs", "list"}} {
			t.Run(test.name+" "+command[0], func(t *testing.T) {
				t.Parallel()
				if test.rootCan && os.Geteuid() == 0 {
					t.Skip("root may write anywhere")
				}

				_, err := run(t, apptest.Settings{"DATA_DIR": test.dir}, command...)

				if err == nil || !strings.Contains(err.Error(), test.named) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %s and %q", err, test.named, test.want)
				}
			})
		}
	}
}

// The output and exit code of the process, as a shell or a supervisor sees them.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		settings apptest.Settings
		args     []string
		code     int
		stderr   string
	}{
		{"version", nil, []string{"version"}, 0, ""},
		{"help", nil, []string{"--help"}, 0, ""},
		{"unknown command", nil, []string{"dance"}, 1, "risingstars: unexpected argument dance"},
		{"bad setting", apptest.Settings{"WORKERS": "many"}, []string{"serve"}, 1, "risingstars: settings:\nWORKERS: "},
		{"doctor finds fault", apptest.Settings{"FFMPEG": "/nonexistent", "DATA_DIR": t.TempDir(), "LISTEN_ADDR": "127.0.0.1:0"}, []string{"doctor"}, 1, "risingstars: 1 "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			p := launch(t, test.settings, test.args...)

			if diff := cmp.Diff(test.code, p.wait()); diff != "" {
				t.Errorf("exit code (-want +got):\n%s", diff)
			}
			contains(t, p.log.String(), test.stderr)
		})
	}
}

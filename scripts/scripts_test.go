// Package scripts_test runs the project's own scripts as developers and continuous integration do.
package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// lanes runs the given parts in two lanes, as scripts/test does, in a folder of their own.
func lanes(t *testing.T, parts, queues string) (output string, passed bool) {
	t.Helper()
	script := "set -euo pipefail\n" + parts + "\nform=part processors=2\n. \"$1\"\nmkdir \"$logs\"\ntrap stop EXIT\n" + queues + "\nrun_lanes\nreport\n"
	path, err := filepath.Abs("lanes.sh")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "bash", "-c", script, "test", path)
	command.Env = append(os.Environ(), "logs="+filepath.Join(t.TempDir(), "logs"))
	out, err := command.CombinedOutput()
	return string(out), err == nil
}

func TestPartsReportFailures(t *testing.T) {
	t.Parallel()
	out, passed := lanes(t, `
part_good() { echo "much that nobody asked for"; }
part_go() { echo "ok  	risingstars/internal/contest	0.1s"; }
part_bad() { echo "--- FAIL: TestCounts (0.00s)"; seq 1 100; false; echo "not reached"; }
wanted="good go bad"`, "fill computing good go bad\nfill waiting")
	if passed {
		t.Error("the run passed, though a part failed")
	}
	report := out[strings.Index(out, "test: bad failed:")+1:]
	for _, want := range []string{"--- FAIL: TestCounts", "\n61\n", "\n100\n", "test: FAILED: bad"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, tooMuch := range []string{"\n60\n", "not reached", "much that nobody asked for"} {
		if strings.Contains(out, tooMuch) {
			t.Errorf("the output has %q", tooMuch)
		}
	}
	if !strings.Contains(out, "ok  \trisingstars/internal/contest") {
		t.Error("the output lacks the report of the Go tests")
	}
	for _, line := range []string{`test: good +\d+ s  ok`, `test: go +\d+ s  ok`, `test: bad +\d+ s  FAILED`} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(report) {
			t.Errorf("no line %q after the failures", line)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// A part waits for the others of its queue only where the lanes are fewer: here each of two parts that compute ends only when
// it sees the other two at work.
func TestPartsRunTogether(t *testing.T) {
	t.Parallel()
	out, passed := lanes(t, `
meet() { touch "$logs/$1.here"; until [ -e "$logs/a.here" ] && [ -e "$logs/b.here" ] && [ -e "$logs/c.here" ]; do sleep 0.05; done; }
part_a() { meet a; }
part_b() { meet b; }
part_c() { meet c; }
part_d() { [ -e "$logs/a.ok" ] || [ -e "$logs/b.ok" ]; }
wanted="a b c d"`, "fill computing a b d\nfill waiting c")
	if !passed {
		t.Error(out)
	}
}

func TestHangingPartIsEnded(t *testing.T) {
	t.Parallel()
	out, passed := lanes(t, `
part_hang() { sleep 1000 & wait; }
PART_LIMIT=1
wanted=hang`, "fill computing hang\nfill waiting")
	if passed || !strings.Contains(out, "ended after 1 s") {
		t.Errorf("a hanging part: passed %v\n%s", passed, out)
	}
}

// TestSetupWithoutRoot runs the set-up of make run as a user who is neither root nor has sudo, where FFmpeg is missing.
func TestSetupWithoutRoot(t *testing.T) {
	t.Parallel()
	programs := t.TempDir()
	for _, name := range []string{"bash", "sh", "env", "uname", "dirname", "awk", "go", "apt-get"} {
		path, err := exec.LookPath(name)
		if err != nil {
			if os.Getenv("CI") != "" && name != "apt-get" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
		if err := os.Symlink(path, filepath.Join(programs, name)); err != nil {
			t.Fatal(err)
		}
	}
	// The script asks id alone whether it runs as root.
	if err := os.WriteFile(filepath.Join(programs, "id"), []byte("#!/bin/sh\necho 1000\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), filepath.Join(programs, "bash"), "setup", "run")
	command.Env = []string{"PATH=" + programs, "HOME=" + t.TempDir()}
	out, err := command.CombinedOutput()
	want := "setup: neither root nor sudo. As root, run: apt-get install --no-install-recommends ffmpeg\n"
	if err == nil || !strings.HasSuffix(string(out), want) {
		t.Errorf("setup run: %v\ngot  %swant %s", err, out, want)
	}
}

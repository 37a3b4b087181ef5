package app_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
)

// TestReadme runs the session in the README against the program and compares the output with the text.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	server := apptest.Start(t, apptest.Settings{"RATE_LIMIT": "on", "FFMPEG": "ffmpeg"})
	dir := t.TempDir()
	clip := mediatest.Clip(t, mediatest.Spec{Seconds: 2})
	if err := os.Link(clip, filepath.Join(dir, "clip.mp4")); err != nil {
		t.Fatal(err)
	}
	commands, printed := session(string(readme))
	script := "set -eu\n"
	for _, command := range commands {
		script += command + "\necho " + mark + "\n"
	}
	shell := exec.CommandContext(t.Context(), "bash")
	shell.Dir = dir
	shell.Stdin = strings.NewReader(strings.ReplaceAll(script, "http://127.0.0.1:8080", server.URL))
	var errOut bytes.Buffer
	shell.Stderr = &errOut

	out, err := shell.Output()
	if err != nil {
		t.Fatalf("the session failed: %v\n%s%s", err, out, errOut.String())
	}

	got := strings.SplitAfter(string(out), mark+"\n")
	for i := range got {
		got[i] = steady(strings.TrimSuffix(got[i], mark+"\n"))
	}
	for i := range printed {
		printed[i] = steady(printed[i])
	}
	if diff := cmp.Diff(printed, got[:len(got)-1]); diff != "" {
		t.Errorf("the README prints what does not happen (-README +program):\n%s", diff)
	}
	if stat, err := os.Stat(filepath.Join(dir, "branded.mp4")); err != nil || stat.Size() == 0 {
		t.Errorf("no clip was downloaded: %v", err)
	}
}

const mark = "=== end of a command ==="

// session returns the commands in the console blocks of a text, and the output that the text shows for each.
func session(readme string) (commands, printed []string) {
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(readme, -1) {
		for line := range strings.Lines(block[1]) {
			last := len(commands) - 1
			switch command, ok := strings.CutPrefix(line, "$ "); {
			case ok:
				commands, printed = append(commands, command), append(printed, "")
			case strings.HasPrefix(line, "    "):
				commands[last] += line
			default:
				printed[last] += line
			}
		}
	}
	return commands, printed
}

var underway = regexp.MustCompile(`(?m)^data: .*"(?:uploaded|processing)".*\n`)

// steady removes the progress lines, whose number differs in every run.
func steady(text string) string { return underway.ReplaceAllString(text, "") }

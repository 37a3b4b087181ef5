package app_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// At a terminal a command shows its effect and asks for confirmation. Without a yes it changes nothing.
func TestConfirmAtATerminal(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	ana := newPlayer(t, s.URL, "ana@example.com")
	id := ana.publicVideo(t, s)
	for _, step := range []struct{ answer, want, status string }{
		{"\n", "nothing was changed", "public"}, {"maybe\n", "nothing was changed", "public"}, {"y\n", "is hidden", "processed"},
	} {
		out := typedAtTerminal(t, s.DataDir, step.answer, "videos", "hide", fmt.Sprint(id), "--reason=not her own")
		contains(t, out, "would be hidden", "Do it? [y/N]", step.want)
		if v := ana.video(t, s.URL, id); v.Status != step.status {
			t.Errorf("%q: the video is %s, want %s", step.answer, v.Status, step.status)
		}
	}
}

// typedAtTerminal runs a command whose standard input is a terminal with the typed text, and returns its output.
func typedAtTerminal(tb testing.TB, dataDir, typed string, args ...string) string {
	tb.Helper()
	terminal := must(os.OpenFile("/dev/ptmx", os.O_RDWR, 0))(tb)
	defer func() { check(tb, terminal.Close()) }()
	fd := int(terminal.Fd())
	check(tb, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	screen := must(os.OpenFile(fmt.Sprintf("/dev/pts/%d", must(unix.IoctlGetInt(fd, unix.TIOCGPTN))(tb)), os.O_RDWR|unix.O_NOCTTY, 0))(tb)
	defer func() { check(tb, screen.Close()) }()
	out := &testserver.Buffer{}
	cmd := exec.CommandContext(tb.Context(), testserver.BuiltProgram(tb), args...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = []string{"DATA_DIR=" + dataDir}, screen, out, out
	check(tb, cmd.Start())
	testserver.Eventually(tb, "it asks", func() bool { return strings.Contains(out.String(), "Do it?") })
	must(terminal.WriteString(typed))(tb)
	_ = cmd.Wait() // a no is an error
	return out.String()
}

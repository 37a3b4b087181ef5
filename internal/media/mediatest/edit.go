package mediatest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Trimmed is a clip whose first part is hidden by an edit list, as phones trim: the data are all there.
func Trimmed(tb testing.TB, spec Spec, from float64) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "trimmed.mp4")
	copyStreams(tb, path, "-ss", seconds(from), "-i", Clip(tb, spec))
	return path
}

// Late is a clip with sound, whose picture begins later than the sound, by a number of seconds.
func Late(tb testing.TB, spec Spec, by float64) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "late.mp4")
	copyStreams(tb, path, "-itsoffset", seconds(by), "-i", Clip(tb, spec), "-i", Clip(tb, Spec{AudioOnly: true, Seconds: 2}))
	return path
}

// Joined is two H.264 clips in one stream.
func Joined(tb testing.TB, first, second Spec) string {
	tb.Helper()
	first.Container, second.Container = "mpegts", "mpegts"
	both := filepath.Join(tb.TempDir(), "both.ts")
	var data []byte
	for _, spec := range []Spec{first, second} {
		part, err := os.ReadFile(Clip(tb, spec))
		if err != nil {
			tb.Fatal(err)
		}
		data = append(data, part...)
	}
	if err := os.WriteFile(both, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "joined.mp4")
	copyStreams(tb, path, "-i", both)
	return path
}

func copyStreams(tb testing.TB, path string, input ...string) {
	tb.Helper()
	args := append([]string{"-nostdin", "-loglevel", "error"}, input...)
	args = append(args, "-c", "copy", "-movflags", "+faststart", path)
	if out, err := exec.CommandContext(tb.Context(), Program(tb, "ffmpeg"), args...).CombinedOutput(); err != nil {
		tb.Fatalf("%v: %s", err, out)
	}
}

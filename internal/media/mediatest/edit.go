package mediatest

import (
	"os"
	"slices"
	"testing"
)

// Trimmed returns a clip whose first part is hidden by an edit list, as phones trim: all data remain.
func Trimmed(tb testing.TB, spec Spec, from float64) string {
	tb.Helper()
	return copied(tb, "-ss", seconds(from), "-i", Clip(tb, spec))
}

// Late returns a clip with sound whose picture begins the given number of seconds after the sound.
func Late(tb testing.TB, spec Spec, by float64) string {
	tb.Helper()
	return copied(tb, "-itsoffset", seconds(by), "-i", Clip(tb, spec), "-i", Clip(tb, Spec{AudioOnly: true, Seconds: 2}))
}

// Joined returns two H.264 clips in one stream.
func Joined(tb testing.TB, first, second Spec) string {
	tb.Helper()
	first.Container, second.Container = "mpegts", "mpegts"
	parts := []string{Clip(tb, first), Clip(tb, second)}
	both := cached(tb, "joined", "ts", parts, func(path string) error {
		var data []byte
		for _, part := range parts {
			more, err := os.ReadFile(part)
			if err != nil {
				return err
			}
			data = append(data, more...)
		}
		return os.WriteFile(path, data, 0o600)
	})
	return copied(tb, "-i", both)
}

// copied returns an MP4 with the streams of cached files, copied without encoding.
func copied(tb testing.TB, input ...string) string {
	tb.Helper()
	args := slices.Concat([]string{"-nostdin", "-loglevel", "error"}, input, []string{"-c", "copy", "-movflags", "+faststart"})
	return cached(tb, "copied", "mp4", args, func(path string) error {
		_, err := output(tb, "ffmpeg", append(args, path)...)
		return err
	})
}

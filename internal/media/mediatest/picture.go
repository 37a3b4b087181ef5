package mediatest

import (
	"encoding/json"
	"fmt"
	"image"
	"os/exec"
	"strings"
	"testing"
)

// Pictures decodes frames of a video or an image, by their numbers in rising order, in the size they are stored in.
func Pictures(tb testing.TB, path string, numbers ...int) []*image.NRGBA {
	tb.Helper()
	width, height := size(tb, path)
	choices := make([]string, len(numbers))
	for i, n := range numbers {
		choices[i] = fmt.Sprintf(`eq(n\,%d)`, n)
	}
	out, err := exec.CommandContext(tb.Context(), Program(tb, "ffmpeg"), "-nostdin", "-loglevel", "error", "-threads", "1",
		"-noautorotate", "-i", path, "-vf", "select="+strings.Join(choices, "+")+",setpts=N/FRAME_RATE/TB,format=rgba",
		"-f", "rawvideo", "-").Output()
	if err != nil {
		tb.Fatalf("decode %s: %v", path, err)
	}
	var pictures []*image.NRGBA
	for frame := 4 * width * height; len(out) >= frame; out = out[frame:] {
		pictures = append(pictures, &image.NRGBA{
			Pix: out[:frame:frame], Stride: 4 * width, Rect: image.Rect(0, 0, width, height),
		})
	}
	if len(pictures) != len(numbers) {
		tb.Fatalf("%s: got %d of the frames %v", path, len(pictures), numbers)
	}
	return pictures
}

func size(tb testing.TB, path string) (width, height int) {
	tb.Helper()
	stream := Streams(tb, path)[0]
	w, _ := stream["width"].(float64)
	h, _ := stream["height"].(float64)
	if w < 1 || h < 1 {
		tb.Fatalf("%s: a stream of %v×%v", path, w, h)
	}
	return int(w), int(h)
}

// Streams is what ffprobe tells about the streams of a file.
func Streams(tb testing.TB, path string) []map[string]any {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), Program(tb, "ffprobe"), "-loglevel", "error", "-print_format", "json", "-show_streams",
		path).Output()
	if err != nil {
		tb.Fatalf("probe %s: %v", path, err)
	}
	var report struct{ Streams []map[string]any }
	if err := json.Unmarshal(out, &report); err != nil {
		tb.Fatal(err)
	}
	return report.Streams
}

package mediatest

import (
	"encoding/json"
	"image"
	"os/exec"
	"strconv"
	"testing"
)

// Pictures decodes frames of a video or an image, by their numbers in rising order, in the size they are stored in.
func Pictures(tb testing.TB, path string, numbers ...int) []*image.NRGBA {
	tb.Helper()
	width, height := size(tb, path)
	choice := "0"
	for _, n := range numbers {
		choice += "+eq(n\\," + strconv.Itoa(n) + ")"
	}
	out, err := exec.CommandContext(tb.Context(), Program(tb, "ffmpeg"), "-nostdin", "-loglevel", "error", "-threads", "1",
		"-noautorotate", "-i", path, "-vf", "select="+choice+",setpts=N/FRAME_RATE/TB,format=rgba",
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
	return int(stream["width"].(float64)), int(stream["height"].(float64))
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

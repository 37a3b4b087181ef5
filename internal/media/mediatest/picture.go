package mediatest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"strconv"
	"strings"
	"testing"
)

// Pictures decodes frames of a video or an image, by their numbers in ascending order, in their stored size.
func Pictures(tb testing.TB, path string, numbers ...int) []*image.NRGBA {
	tb.Helper()
	choices := make([]string, len(numbers))
	for i, n := range numbers {
		choices[i] = fmt.Sprintf(`eq(n\,%d)`, n)
	}
	out, err := output(tb, "ffmpeg", "-nostdin", "-loglevel", "error", "-threads", "1",
		"-noautorotate", "-i", path, "-vf", "select="+strings.Join(choices, "+")+",setpts=N/FRAME_RATE/TB,format=rgba",
		"-frames:v", strconv.Itoa(len(numbers)), "-f", "image2pipe", "-c:v", "pam", "-")
	if err != nil {
		tb.Fatalf("decode %s: %v", path, err)
	}
	var pictures []*image.NRGBA
	for len(out) > 0 {
		var p *image.NRGBA
		p, out = pam(tb, out)
		pictures = append(pictures, p)
	}
	if len(pictures) != len(numbers) {
		tb.Fatalf("%s: got %d of the frames %v", path, len(pictures), numbers)
	}
	return pictures
}

// pam reads the first of several concatenated PAM images (Netpbm), and returns the rest.
func pam(tb testing.TB, data []byte) (p *image.NRGBA, rest []byte) {
	tb.Helper()
	var width, height int
	header, rest, _ := bytes.Cut(data, []byte("ENDHDR\n"))
	if _, err := fmt.Sscanf(string(header), "P7\nWIDTH %d\nHEIGHT %d\nDEPTH 4\nMAXVAL 255\n", &width, &height); err != nil {
		tb.Fatalf("a picture with the header %.80q: %v", header, err)
	}
	frame := 4 * width * height
	if frame < 1 || len(rest) < frame {
		tb.Fatalf("a picture of %d×%d in %d bytes", width, height, len(rest))
	}
	return &image.NRGBA{Pix: rest[:frame:frame], Stride: 4 * width, Rect: image.Rect(0, 0, width, height)}, rest[frame:]
}

// Streams returns ffprobe's report about the streams of a file.
func Streams(tb testing.TB, path string) []map[string]any {
	tb.Helper()
	var report struct{ Streams []map[string]any }
	probe(tb, &report, path, "-show_streams")
	return report.Streams
}

// FirstFrame returns ffprobe's report about the first frame of a file.
func FirstFrame(tb testing.TB, path string) map[string]any {
	tb.Helper()
	var report struct{ Frames []map[string]any }
	probe(tb, &report, path, "-show_frames", "-read_intervals", "%+#1")
	if len(report.Frames) != 1 {
		tb.Fatalf("%s: got %d frames, want one", path, len(report.Frames))
	}
	return report.Frames[0]
}

// probe decodes ffprobe's report about a file.
func probe(tb testing.TB, report any, path string, options ...string) {
	tb.Helper()
	out, err := output(tb, "ffprobe", append(append([]string{"-loglevel", "error", "-print_format", "json"}, options...), path)...)
	if err != nil {
		tb.Fatalf("probe %s: %v", path, err)
	}
	if err := json.Unmarshal(out, report); err != nil {
		tb.Fatal(err)
	}
}

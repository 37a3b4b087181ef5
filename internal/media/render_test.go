package media

import (
	"image/jpeg"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/media/mediatest"
)

// quarters are the spots of a picture of four quarters that takes the middle width×height of the rendition, well inside
// each quarter and close to its outer corner, and of the bars beside it.
func quarters(width, height int) []spot {
	left, top := (Width-width)/2, (Height-height)/2
	right, bottom := Width-left, Height-top
	dx, dy := max(8, width/40), max(8, height/40)
	spots := []spot{
		{left + dx, top + dy, red}, {Width/2 - dx, Height/2 - dy, red},
		{Width/2 + dx, Height/2 - dy, green}, {right - dx, Height/2 - dy, green},
		{left + dx, bottom - dy, blue}, {Width/2 - dx, Height/2 + dy, blue},
		{right - dx, bottom - dy, yellow}, {Width/2 + dx, Height/2 + dy, yellow},
	}
	if left > 8 {
		spots = append(spots, spot{left - 6, Height / 2, black}, spot{right + 6, Height / 2, black})
	}
	if top > 8 {
		spots = append(spots, spot{Width / 2, top - 6, black}, spot{Width / 2, bottom + 6, black})
	}
	return spots
}

var renderTests = []struct {
	name  string
	spec  mediatest.Spec
	play  int    // frames
	spots []spot // of every frame of the play
}{
	{"landscape", mediatest.Spec{}, 30, quarters(1280, 720)},
	{"full HD", mediatest.Spec{Width: 1920, Height: 1080, Seconds: 0.5, Audio: true}, 15, quarters(1280, 720)},
	{"8K", mediatest.Spec{Width: 7680, Height: 4320, Frames: 2}, 2, quarters(1280, 720)},
	{"portrait", mediatest.Spec{Width: 180, Height: 320}, 30, quarters(406, 720)},
	{"square", mediatest.Spec{Width: 240, Height: 240}, 30, quarters(720, 720)},
	{"4:3", mediatest.Spec{Width: 320, Height: 240}, 30, quarters(960, 720)},
	{"wide", mediatest.Spec{Width: 480, Height: 120}, 30, quarters(1280, 320)},
	{"odd size", mediatest.Spec{Width: 853, Height: 481, Codec: "mpeg4"}, 30, quarters(1276, 720)},
	{"tiny", mediatest.Spec{Width: 16, Height: 16}, 30, nil},
	{"anamorphic", mediatest.Spec{Width: 180, Height: 144, SAR: "64:45"}, 30, quarters(1280, 720)},
	{"tall pixels", mediatest.Spec{Width: 320, Height: 180, SAR: "1:2"}, 30, quarters(640, 720)},

	{"turn 90", mediatest.Spec{Rotate: 90}, 30, quarters(406, 720)},
	{"turn 180", mediatest.Spec{Rotate: 180}, 30, quarters(1280, 720)},
	{"turn 270", mediatest.Spec{Rotate: 270}, 30, quarters(406, 720)},
	{"mirror", mediatest.Spec{Mirror: true}, 30, quarters(1280, 720)},
	{"mirror and turn 90", mediatest.Spec{Mirror: true, Rotate: 90}, 30, quarters(406, 720)},
	{"mirror and turn 180", mediatest.Spec{Mirror: true, Rotate: 180}, 30, quarters(1280, 720)},
	{"mirror and turn 270", mediatest.Spec{Mirror: true, Rotate: 270}, 30, quarters(406, 720)},
	{"turned and anamorphic", mediatest.Spec{Width: 180, Height: 144, SAR: "64:45", Rotate: 90}, 30, quarters(406, 720)},

	{"ten bits", mediatest.Spec{PixelFormat: "yuv420p10le"}, 30, quarters(1280, 720)},
	{"4:4:4", mediatest.Spec{PixelFormat: "yuv444p"}, 30, quarters(1280, 720)},
	{"full range", mediatest.Spec{PixelFormat: "yuvj420p"}, 30, quarters(1280, 720)},
	{"motion JPEG", mediatest.Spec{Codec: "mjpeg", PixelFormat: "yuvj420p", Container: "mov"}, 30, quarters(1280, 720)},
	{"HEVC in MOV", mediatest.Spec{Codec: "libx265", Container: "mov"}, 30, quarters(1280, 720)},
	{"interlaced", mediatest.Spec{Interlaced: true}, 30, quarters(1280, 720)},
	{"fragmented", mediatest.Spec{Fragmented: true, Seconds: 2}, 60, quarters(1280, 720)},
	{"index behind", mediatest.Spec{MoovLast: true}, 30, quarters(1280, 720)},

	{"15 fps", mediatest.Spec{FPS: "15"}, 30, quarters(1280, 720)},
	{"24 fps", mediatest.Spec{FPS: "24"}, 30, quarters(1280, 720)},
	{"29.97 fps", mediatest.Spec{FPS: "30000/1001", Frames: 60}, 60, quarters(1280, 720)},
	{"60 fps", mediatest.Spec{FPS: "60"}, 30, quarters(1280, 720)},
	{"120 fps", mediatest.Spec{FPS: "120"}, 30, quarters(1280, 720)},
	{"240 fps", mediatest.Spec{FPS: "240"}, 30, quarters(1280, 720)},
	{"variable rate", mediatest.Spec{VFR: true, Seconds: 2}, 60, quarters(1280, 720)},

	{"0.4 s", mediatest.Spec{Seconds: 0.4}, 12, quarters(1280, 720)},
	{"one frame", mediatest.Spec{Frames: 1}, 1, quarters(1280, 720)},
	{"one frame at 240 fps", mediatest.Spec{Frames: 1, FPS: "240"}, 1, quarters(1280, 720)},
	{"two frames a minute", mediatest.Spec{Frames: 2, FPS: "1/30"}, 900, quarters(1280, 720)},
	{"45 s", mediatest.Spec{Seconds: 45, Width: 32, Height: 18}, 900, nil},
}

func TestRender(t *testing.T) {
	t.Parallel()
	for _, test := range renderTests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			_, r, made := render(t, mediatest.Clip(t, test.spec))

			want := Rendition{
				Frames: curtainFrames + test.play + curtainFrames, PlayFrames: test.play,
				Duration: time.Duration(test.play+150) * time.Second / 30,
				Size:     fileSize(t, r.Dest), PosterSize: fileSize(t, r.Poster),
			}
			if diff := cmp.Diff(want, made); diff != "" {
				t.Errorf("rendition (-want +got):\n%s", diff)
			}
			checkStream(t, r.Dest, made.Frames)
			checkPictures(t, r.Dest, test.play, test.spots)
			checkPoster(t, r.Poster, test.spots)
		})
	}
}

// checkStream looks at what players read before the first picture.
func checkStream(t *testing.T, path string, frames int) {
	t.Helper()
	streams := mediatest.Streams(t, path)
	if len(streams) != 1 {
		t.Fatalf("got %d streams, want one, of video", len(streams))
	}
	want := map[string]any{
		"codec_name": "h264", "profile": "High", "pix_fmt": "yuv420p", "width": 1280.0, "height": 720.0,
		"sample_aspect_ratio": "1:1", "r_frame_rate": "30/1", "avg_frame_rate": "30/1", "start_time": "0.000000",
		"color_range": "tv", "color_space": "bt709", "color_transfer": "bt709", "color_primaries": "bt709",
		"side_data_list": nil,
	}
	got := map[string]any{}
	for name := range want {
		got[name] = streams[0][name]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
	if got := mediatest.FirstFrame(t, path)["interlaced_frame"]; got != 0.0 {
		t.Errorf("interlaced_frame: got %v, want 0", got)
	}
	length := streams[0]["nb_frames"]
	if want := strconv.Itoa(frames); length != want {
		t.Errorf("frames: got %v, want %v", length, want)
	}
}

// checkPictures looks at both curtains, at the play between them, and for the watermark in the play only.
func checkPictures(t *testing.T, path string, play int, spots []spot) {
	t.Helper()
	const firstPlay = curtainFrames
	lastPlay := curtainFrames + play - 1
	numbers := []int{0, firstPlay - 1, firstPlay, lastPlay + 1, lastPlay + curtainFrames}
	names := []string{"first frame", "last of the opening", "first of the play", "first of the closing", "last frame"}
	if play > 1 {
		numbers = slices.Insert(numbers, 3, lastPlay)
		names = slices.Insert(names, 3, "last of the play")
	}
	for i, picture := range mediatest.Pictures(t, path, numbers...) {
		if numbers[i] < firstPlay || numbers[i] > lastPlay {
			checkSpots(t, names[i], picture, curtainSpots)
		} else {
			checkSpots(t, names[i], picture, slices.Concat(spots, watermarkSpots))
		}
	}
}

var (
	curtainSpots   = []spot{{8, 8, teal}, {1271, 711, teal}, {1180, 44, teal}, {640, 360, white}, {530, 440, teal}}
	watermarkSpots = []spot{{Width - watermarkMargin - 60, watermarkMargin + 20, magenta}}
)

func checkPoster(t *testing.T, path string, spots []spot) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := jpeg.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if got := picture.Bounds().Size(); got.X != Width || got.Y != Height {
		t.Errorf("poster of %v", got)
	}
	checkSpots(t, "poster", picture, slices.Concat(spots, watermarkSpots))
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

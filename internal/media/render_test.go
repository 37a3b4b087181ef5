package media

import (
	"bytes"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/media/mediatest"
)

// quarters returns the spots of a picture of four quarters that fills the centered width×height of the rendition:
// within each quarter near its outer corner, and in the bars beside the picture.
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

// renderTests combine independent properties of a source in one clip, because each rendition takes a second of
// processor time. Together they cover every size, rotation, format and frame rate.
var renderTests = []struct {
	name  string
	spec  mediatest.Spec
	play  int    // frames
	spots []spot // of every frame of the play before white
	white int    // the first white frame of the play, 0 for none
}{
	{"landscape", mediatest.Spec{}, 30, quarters(1280, 720), 0},
	{"full HD with sound", mediatest.Spec{Width: 1920, Height: 1080, Seconds: 0.5, Audio: true}, 15, quarters(1280, 720), 0},
	{"8K", mediatest.Spec{Width: 7680, Height: 4320, Frames: 2}, 2, quarters(1280, 720), 0},
	{"tiny", mediatest.Spec{Width: 16, Height: 16}, 30, nil, 0},
	{"odd size, MPEG-4", mediatest.Spec{Width: 853, Height: 481, Codec: "mpeg4"}, 30, quarters(1276, 720), 0},

	{"square at 15 fps", mediatest.Spec{Width: 240, Height: 240, FPS: "15", WhiteFrom: 0.7}, 30, quarters(720, 720), 21},
	{"portrait at 24 fps", mediatest.Spec{Width: 180, Height: 320, FPS: "24", WhiteFrom: 0.7}, 30, quarters(406, 720), 21},
	{"4:3 at 29.97 fps", mediatest.Spec{Width: 320, Height: 240, FPS: "30000/1001", Frames: 60, WhiteFrom: 1.7}, 60, quarters(960, 720), 51},
	{"wide at 60 fps", mediatest.Spec{Width: 480, Height: 120, FPS: "60", WhiteFrom: 0.7}, 30, quarters(1280, 320), 21},
	{"anamorphic at 120 fps", mediatest.Spec{Width: 180, Height: 144, SAR: "64:45", FPS: "120", WhiteFrom: 0.7}, 30, quarters(1280, 720), 21},
	{"tall pixels at 240 fps", mediatest.Spec{Width: 320, Height: 180, SAR: "1:2", FPS: "240", WhiteFrom: 0.7}, 30, quarters(640, 720), 21},
	{"variable rate", mediatest.Spec{VFR: true, Seconds: 2, WhiteFrom: 1.7}, 60, quarters(1280, 720), 51},

	{"turn 90, HEVC in MOV", mediatest.Spec{Rotate: 90, Codec: "libx265", Container: "mov", Place: true}, 30, quarters(406, 720), 0},
	{"turn 180, ten bits", mediatest.Spec{Rotate: 180, PixelFormat: "yuv420p10le"}, 30, quarters(1280, 720), 0},
	{"turn 270, 4:4:4", mediatest.Spec{Rotate: 270, PixelFormat: "yuv444p"}, 30, quarters(406, 720), 0},
	{"mirror, full range", mediatest.Spec{Mirror: true, PixelFormat: "yuvj420p"}, 30, quarters(1280, 720), 0},
	{"mirror and turn 90, motion JPEG", mediatest.Spec{
		Mirror: true, Rotate: 90, Codec: "mjpeg", PixelFormat: "yuvj420p", Container: "mov",
	}, 30, quarters(406, 720), 0},
	{"mirror and turn 180, interlaced", mediatest.Spec{Mirror: true, Rotate: 180, Interlaced: true}, 30, quarters(1280, 720), 0},
	{"mirror and turn 270, fragmented", mediatest.Spec{
		Mirror: true, Rotate: 270, Fragmented: true, Seconds: 2,
	}, 60, quarters(406, 720), 0},
	{"turned and anamorphic, index behind", mediatest.Spec{
		Width: 180, Height: 144, SAR: "64:45", Rotate: 90, MoovLast: true,
	}, 30, quarters(406, 720), 0},

	{"0.4 s", mediatest.Spec{Seconds: 0.4}, 12, quarters(1280, 720), 0},
	{"one frame", mediatest.Spec{Frames: 1}, 1, quarters(1280, 720), 0},
	{"one frame at 240 fps", mediatest.Spec{Frames: 1, FPS: "240"}, 1, quarters(1280, 720), 0},
	{"two frames a minute", mediatest.Spec{Frames: 2, FPS: "1/30"}, 900, quarters(1280, 720), 0},
	{"45 s", mediatest.Spec{Seconds: 45, Width: 32, Height: 18}, 900, nil, 0},
}

func TestRender(t *testing.T) {
	t.Parallel()
	for _, test := range renderTests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			source := mediatest.Clip(t, test.spec)

			r, made := render(t, source)

			want := Rendition{
				Frames: curtainFrames + test.play + curtainFrames, PlayFrames: test.play,
				Duration: time.Duration(test.play+150) * time.Second / 30,
				Size:     fileSize(t, r.Dest), PosterSize: fileSize(t, r.Poster),
			}
			if diff := cmp.Diff(want, made); diff != "" {
				t.Errorf("rendition (-want +got):\n%s", diff)
			}
			checkStream(t, r.Dest, made.Frames)
			checkPictures(t, r.Dest, test.play, test.white, test.spots)
			checkPoster(t, r.Poster, test.spots)
			if test.spec.Place {
				checkNoPlace(t, source, r)
			}
		})
	}
}

// checkStream checks the stream's properties, which players read before the first picture.
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

// checkPictures checks both curtains, the play between them, the frames around the first white one, and that only the
// play has the watermark.
func checkPictures(t *testing.T, path string, play, white int, spots []spot) {
	t.Helper()
	const first = curtainFrames // of the play
	last := curtainFrames + play - 1
	spots, curtain := slices.Concat(watermarkSpots, spots), curtainSpots
	views := []view{
		{"first frame", 0, curtain}, {"last of the opening", first - 1, curtain}, {"first of the play", first, spots},
		{"last of the play", last, spots}, {"first of the closing", last + 1, curtain}, {"last frame", last + curtainFrames, curtain},
	}
	if white > 0 {
		views[3].spots = whitened(spots)
		views = slices.Insert(views, 3,
			view{"before it is white", first + white - 3, spots}, view{"after it is white", first + white + 3, whitened(spots)})
	}
	if play == 1 {
		views = slices.Delete(views, 3, 4) // the first frame of the play is the last
	}
	numbers := make([]int, len(views))
	for i, v := range views {
		numbers[i] = v.number
	}
	for i, picture := range mediatest.Pictures(t, path, numbers...) {
		checkSpots(t, views[i].name, picture, views[i].spots)
	}
}

// whitened returns the spots after the picture has become white; bars and watermark stay.
func whitened(spots []spot) []spot {
	after := slices.Clone(spots)
	for i, s := range after {
		if s.Want != black && s.Want != magenta {
			after[i].Want = white
		}
	}
	return after
}

// view is a frame of a rendition, counted from 0, and its expected spots.
type view struct {
	name   string
	number int
	spots  []spot
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

// checkNoPlace checks that the source's metadata about the place where it was filmed are not in the rendition,
// because that is public.
func checkNoPlace(t *testing.T, source string, r Render) {
	t.Helper()
	for _, secret := range []string{"+04.6097", "secret title"} {
		if !bytes.Contains(read(t, source), []byte(secret)) {
			t.Errorf("the source does not hold %q", secret)
		}
		for _, path := range []string{r.Dest, r.Poster} {
			if bytes.Contains(read(t, path), []byte(secret)) {
				t.Errorf("%s holds %q", filepath.Base(path), secret)
			}
		}
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

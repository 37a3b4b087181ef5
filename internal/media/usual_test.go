package media

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"risingstars/internal/media/mediatest"
)

// withoutProbe are tools whose ffprobe is missing, so that Inspect shows when it asks for it.
func withoutProbe(t *testing.T) Tools {
	t.Helper()
	missing := tools(t)
	missing.FFprobe = filepath.Join(t.TempDir(), "ffprobe")
	return missing
}

func TestInspectUsual(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		spec mediatest.Spec
		want Container
	}{
		{"with sound", mediatest.Spec{Audio: true}, MP4},
		{"index behind", mediatest.Spec{Audio: true, MoovLast: true}, MP4},
		{"MOV, turned", mediatest.Spec{Container: "mov", Rotate: 90}, MOV},
		{"anamorphic, mirrored", mediatest.Spec{Width: 180, Height: 144, SAR: "64:45", Mirror: true, Rotate: 270}, MP4},
		{"1080p", mediatest.Spec{Width: 1920, Height: 1080, Frames: 3, Audio: true}, MP4},
		{"59.94 frames a second", mediatest.Spec{FPS: "60000/1001"}, MP4},
		{"of varying rate", mediatest.Spec{VFR: true}, MP4},
		{"with a place", mediatest.Spec{Place: true}, MP4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			got, err := withoutProbe(t).Inspect(t.Context(), mediatest.Clip(t, test.spec))

			if got != test.want || err != nil {
				t.Errorf("got %q, %v, want %q without FFmpeg", got, err, test.want)
			}
		})
	}
}

func TestInspectAsksFFmpeg(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		path string
	}{
		{"HEVC", mediatest.Clip(t, mediatest.Spec{Codec: "libx265"})},
		{"MPEG-4", mediatest.Clip(t, mediatest.Spec{Codec: "mpeg4"})},
		{"fragments", mediatest.Clip(t, mediatest.Spec{Fragmented: true})},
		{"two tracks", mediatest.Clip(t, mediatest.Spec{Tracks: 2})},
		{"ten bits", mediatest.Clip(t, mediatest.Spec{PixelFormat: "yuv420p10le"})},
		{"full colour", mediatest.Clip(t, mediatest.Spec{PixelFormat: "yuv444p"})},
		{"noise", withNoise(t, mediatest.Spec{}, 0, 1)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			_, err := withoutProbe(t).Inspect(t.Context(), test.path)

			if !errors.Is(err, os.ErrNotExist) {
				t.Errorf("got %v, want that ffprobe was missed", err)
			}
		})
	}
}

func TestInspectTrouble(t *testing.T) {
	t.Parallel()

	_, err := tools(t).Inspect(t.Context(), filepath.Join(t.TempDir(), "clip.mp4"))

	if !errors.Is(err, os.ErrNotExist) || ReasonOf(err) != "" {
		t.Errorf("got %v, want %v and no verdict", err, os.ErrNotExist)
	}
}

// Whatever is done to the index of a usual file, one that is still taken for usual is one that ffprobe accepts.
func TestInspectAcceptsNoMoreThanProbe(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(mediatest.Clip(t, mediatest.Spec{Audio: true}))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	begin, end := bytes.Index(source, []byte("moov")), bytes.Index(source, []byte("mdat"))
	if begin < 0 || end < begin {
		t.Fatal("the index is not in front")
	}
	const most = 40 // runs of ffprobe
	asked, changed := 0, bytes.Clone(source)
	for range 4000 {
		copy(changed, source)
		for range 1 + random.IntN(4) {
			changed[begin+random.IntN(end+64-begin)] ^= byte(1 << random.IntN(8))
		}
		l, err := readLayout(bytes.NewReader(changed), int64(len(changed)))
		if asked == most || err != nil || !usual(bytes.NewReader(changed), int64(len(changed)), l) {
			continue
		}
		asked++
		path := fileOf(t, "clip.mp4", changed)
		if _, err := tools(t).Probe(t.Context(), path); err != nil {
			t.Errorf("taken for usual: %v", err)
		}
	}
	if asked < most {
		t.Errorf("only %d files were still usual", asked)
	}
}

// No file makes it fail, take long, or read beyond the file.
func FuzzUsual(f *testing.F) {
	for _, spec := range []mediatest.Spec{{Width: 16, Height: 16, Frames: 2, Audio: true}, {Width: 16, Height: 16, Frames: 2, Container: "mov"}} {
		data, err := os.ReadFile(mediatest.Clip(f, spec))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := readLayout(bytes.NewReader(data), int64(len(data)))
		if err == nil && usual(bytes.NewReader(data), int64(len(data)), l) && !l.has("vide") {
			t.Error("usual without a picture")
		}
	})
}

// Reading the size of a picture from the sets of encoders.
func TestReadAVC(t *testing.T) {
	t.Parallel()
	high := []byte{0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04}
	tests := []struct {
		name          string
		set           []byte
		usual         bool
		width, height int
	}{
		{"High", high, true, 1920, 1088},
		{"cut", high[:6], false, 0, 0},
		{"another unit", append([]byte{0x68}, high[1:]...), false, 0, 0},
		{"High 4:4:4", append([]byte{0x67, 244}, high[2:]...), false, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got avc
			if ok := got.readSPS(test.set); ok != test.usual || ok && (got.Width != test.width || got.Height != test.height) {
				t.Errorf("got %d×%d, %v", got.Width, got.Height, ok)
			}
		})
	}
}

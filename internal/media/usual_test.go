package media

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
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

			got, err := withoutProbe(t).InspectFile(t.Context(), mediatest.Clip(t, test.spec))

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

			_, err := withoutProbe(t).InspectFile(t.Context(), test.path)

			if !errors.Is(err, os.ErrNotExist) {
				t.Errorf("got %v, want that ffprobe was missed", err)
			}
		})
	}
}

func TestInspectTrouble(t *testing.T) {
	t.Parallel()

	_, err := tools(t).InspectFile(t.Context(), filepath.Join(t.TempDir(), "clip.mp4"))

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
	const files = 40 // and as many runs of ffprobe
	asked := 0
	for range 4000 {
		changed := bytes.Clone(source)
		for range 1 + random.IntN(4) {
			changed[begin+random.IntN(end+64-begin)] ^= byte(1 << random.IntN(8))
		}
		l, err := readLayout(bytes.NewReader(changed), int64(len(changed)))
		if asked == files || err != nil || !usual(bytes.NewReader(changed), int64(len(changed)), l) {
			continue
		}
		asked++
		t.Run(strconv.Itoa(asked), func(t *testing.T) {
			t.Parallel()
			if _, err := probe(t, tools(t), fileOf(t, "clip.mp4", changed)); err != nil {
				t.Errorf("taken for usual: %v", err)
			}
		})
	}
	if asked < files {
		t.Errorf("only %d files were still usual", asked)
	}
}

// What lies about a usual file in one place goes to ffprobe.
func TestInspectBelievesNoLies(t *testing.T) {
	t.Parallel()
	path := mediatest.Clip(t, mediatest.Spec{})
	lies := []struct {
		name   string
		box    string
		offset int // from the box's type
		value  []byte
	}{
		{"four thousand million samples", "stsz", 12, []byte{0xff, 0xff, 0xff, 0xff}},
		{"four thousand million times", "stts", 8, []byte{0xff, 0xff, 0xff, 0xff}},
		{"four thousand million frames", "stts", 12, []byte{0xff, 0xff, 0xff, 0xff}},
		{"four thousand million runs", "stsc", 8, []byte{0xff, 0xff, 0xff, 0xff}},
		{"a first chunk that is none", "stsc", 12, []byte{0, 0, 0, 9}},
		{"a first chunk in the header", "stco", 12, []byte{0, 0, 0, 8}},
		{"frames of hours", "stts", 16, []byte{0x0f, 0xff, 0xff, 0xff}},
		{"frames of no length", "stts", 16, []byte{0, 0, 0, 0}},
		{"a time scale of nothing", "mdhd", 16, []byte{0, 0, 0, 0}},
		{"data elsewhere", "url ", 4, []byte{0, 0, 0, 0}},
		{"two descriptions", "stsd", 8, []byte{0, 0, 0, 2}},
		{"another codec", "stsd", 16, []byte("hvc1")},
		{"another profile", "avcC", 13, []byte{244}}, // in the set itself
		{"a set that is none", "avcC", 12, []byte{0x68}},
		{"two sets", "avcC", 9, []byte{0xe2}},
		{"a set within the data", "mdat", 8, []byte{0x67}},
		{"a unit longer than its sample", "mdat", 4, []byte{0x7f}},
		{"twice the speed", "elst", 20, []byte{0, 2, 0, 0}},
		{"a cut", "elst", 16, []byte{0x7f, 0, 0, 0}},
		{"fragments to come", "udta", 0, []byte("mvex")},
	}
	for _, test := range lies {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			lie := copyOf(t, path, func(data []byte) []byte {
				at := bytes.Index(data, []byte(test.box))
				if at < 0 || bytes.Equal(data[at+test.offset:at+test.offset+len(test.value)], test.value) {
					t.Fatalf("nothing to lie about in %s", test.box)
				}
				copy(data[at+test.offset:], test.value)
				return data
			})

			_, err := withoutProbe(t).InspectFile(t.Context(), lie)

			if !errors.Is(err, os.ErrNotExist) && ReasonOf(err) == "" {
				t.Errorf("got %v, want that ffprobe was missed, or a refusal", err)
			}
		})
	}
}

// bounded counts what is read of a file, and notes what is asked for outside of it.
type bounded struct {
	*bytes.Reader
	read    int
	outside bool
}

func (b *bounded) ReadAt(p []byte, at int64) (int, error) {
	b.read += len(p)
	b.outside = b.outside || at < 0 || at > b.Size()
	return b.Reader.ReadAt(p, at)
}

// No file makes it fail, read much, or read beyond the file.
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
		if err != nil {
			return
		}
		file := &bounded{Reader: bytes.NewReader(data)}
		usual(file, int64(len(data)), l)
		if most := 16*maxBoxes + 2*MaxStreams*len(data); file.outside || file.read > most {
			t.Errorf("read %d bytes of %d, outside: %v", file.read, len(data), file.outside)
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

package media

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"risingstars/internal/media/mediatest"
)

// withoutProbe returns tools whose ffprobe is missing, so that a full probe fails.
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
		{"sound that is no AAC", altered(t, mediatest.Spec{Audio: true}, "mp4a", "fLaC")},
		{"broken sound", altered(t, mediatest.Spec{Audio: true}, "esds", "esdt")},
		{"a track of subtitles", altered(t, mediatest.Spec{Audio: true}, "soun", "sbtl")},
		{"no header", altered(t, mediatest.Spec{}, "mvhd", "mvhe")},
		{"a track among the metadata", altered(t, mediatest.Spec{}, "ilst", "trak")},
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

// Any damaged index of a normal file that the fast path still accepts is accepted by ffprobe too.
func TestInspectAcceptsNoMoreThanProbe(t *testing.T) {
	t.Parallel()
	for _, container := range []string{"mp4", "mov"} {
		source, err := os.ReadFile(mediatest.Clip(t, mediatest.Spec{Audio: true, Container: container}))
		if err != nil {
			t.Fatal(err)
		}
		const files = 20 // and as many runs of ffprobe
		for i, changed := range damagedButUsual(t, source, files) {
			t.Run(container+strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				if _, err := probe(t, tools(t), fileOf(t, "clip."+container, changed)); err != nil {
					t.Errorf("taken for usual: %v", err)
				}
			})
		}
	}
}

// damagedButUsual returns files with a few flipped bits in the index that the fast path accepts.
func damagedButUsual(tb testing.TB, source []byte, files int) [][]byte {
	tb.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	begin, end := bytes.Index(source, []byte("moov")), bytes.Index(source, []byte("mdat"))
	if begin < 0 || end < begin {
		tb.Fatal("the index is not in front")
	}
	var damaged [][]byte
	for range 4000 {
		changed := bytes.Clone(source)
		for range 1 + random.IntN(4) {
			changed[begin+random.IntN(end+64-begin)] ^= byte(1 << random.IntN(8))
		}
		l, err := readLayout(bytes.NewReader(changed), int64(len(changed)))
		if err != nil || !usual(bytes.NewReader(changed), int64(len(changed)), l) {
			continue
		}
		if damaged = append(damaged, changed); len(damaged) == files {
			return damaged
		}
	}
	tb.Fatalf("only %d files were still usual", len(damaged))
	return nil
}

// altered returns a clip with one text in its index replaced.
func altered(tb testing.TB, spec mediatest.Spec, from, to string) string {
	tb.Helper()
	return copyOf(tb, mediatest.Clip(tb, spec), func(data []byte) []byte {
		at := bytes.Index(data, []byte(from))
		if at < 0 {
			tb.Fatalf("no %s", from)
		}
		copy(data[at:], to)
		return data
	})
}

// A file with one false value in its tables gets a full probe.
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
		{"another profile", "avcC", 13, []byte{244}}, // in the parameter set itself
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

// bounded counts the bytes that are read, and records reads outside of the file.
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

// No file makes the fast path panic, read much, or read beyond the file.
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

// Parsing avcC as encoders write it: 1080p, High profile.
func TestReadAVC(t *testing.T) {
	t.Parallel()
	const (
		head = "01640028ffe1001e"
		sps  = "67640028acd940780227e5c05a808080a0000003002000000781e30632c0"
		pps  = "01000668ebe3cb22c0"
		tail = "fdf8f800"
	)
	tests := []struct {
		name   string
		config string
		usual  bool
	}{
		{"High", head + sps + pps + tail, true},
		{"High 4:4:4", head + "67f4" + sps[4:] + pps + tail, false},
		{"a set that is none", head + "68" + sps[2:] + pps + tail, false},
		{"two sequence sets", strings.Replace(head, "e1", "e2", 1) + sps + pps + tail, false},
		{"a set without its end", "01640028ffe1001d" + sps[:len(sps)-2] + pps + tail, false},
		{"frames by macroblock, and a set that ends too early", head + strings.Replace(sps, "27e5", "26e5", 1) + pps + tail, false},
		{"no picture set", head + sps + "00" + tail, false},
		{"a picture set of another sequence", head + sps + "010006688be3cb22c0" + tail, false},
		{"a picture set with groups of slices", head + sps + "01000668e3e3cb22c0" + tail, false},
		{"a picture set without its end", head + sps + "01000568ebe3cb22" + tail, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config, err := hex.DecodeString(test.config)
			if err != nil {
				t.Fatal(err)
			}

			got, usual := readAVC(config)

			if usual != test.usual || usual && (got.Width != 1920 || got.Height != 1088) {
				t.Errorf("got %d×%d, %v, want %v", got.Width, got.Height, usual, test.usual)
			}
		})
	}
}

// Parsing AAC configurations.
func TestUsualConfig(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		config []byte
		want   bool
	}{
		{"low complexity, stereo", []byte{0x12, 0x10}, true},
		{"with spectral band replication", []byte{0x2b, 0x11, 0x88, 0x00}, true},
		{"channels described elsewhere", []byte{0x12, 0x00}, false},
		{"the main profile", []byte{0x0a, 0x10}, false},
		{"a rate of its own", []byte{0x17, 0x80, 0x3e, 0x80, 0x10}, false},
		{"frames of 960 samples", []byte{0x12, 0x14}, false},
		{"cut", []byte{0x12}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := usualConfig(test.config); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

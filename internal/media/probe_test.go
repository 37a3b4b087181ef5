package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"risingstars/internal/media/mediatest"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		spec mediatest.Spec
		want Clip
	}{
		{"MP4", mediatest.Spec{Audio: true}, Clip{
			Container: MP4, Audio: true, Codec: "h264", Width: 320, Height: 180, SAR: Ratio{1, 1},
			DisplayWidth: 320, DisplayHeight: 180, Duration: time.Second, FrameRate: 30, BitDepth: 8,
		}},
		{"HEVC in MOV, turned", mediatest.Spec{Codec: "libx265", Container: "mov", Rotate: 90, FPS: "60"}, Clip{
			Container: MOV, Codec: "hevc", Width: 320, Height: 180, SAR: Ratio{1, 1}, Turn: Turn{Degrees: 90},
			DisplayWidth: 180, DisplayHeight: 320, Duration: time.Second, FrameRate: 60, BitDepth: 8,
		}},
		{"HDR", mediatest.Spec{Codec: "libx265", HDR: "arib-std-b67"}, Clip{
			Container: MP4, Codec: "hevc", Width: 320, Height: 180, SAR: Ratio{1, 1},
			DisplayWidth: 320, DisplayHeight: 180, Duration: time.Second, FrameRate: 30, BitDepth: 10,
			HDR: true, Transfer: "arib-std-b67", Matrix: "bt2020nc",
		}},
		{"anamorphic, mirrored", mediatest.Spec{Width: 180, Height: 144, SAR: "64:45", Mirror: true, Rotate: 270}, Clip{
			Container: MP4, Codec: "h264", Width: 180, Height: 144, SAR: Ratio{64, 45},
			Turn: Turn{Degrees: 270, Mirrored: true}, DisplayWidth: 144, DisplayHeight: 256,
			Duration: time.Second, FrameRate: 30, BitDepth: 8,
		}},
		{"interlaced", mediatest.Spec{Interlaced: true}, Clip{
			Container: MP4, Codec: "h264", Width: 320, Height: 180, SAR: Ratio{1, 1},
			DisplayWidth: 320, DisplayHeight: 180, Duration: time.Second, FrameRate: 30, BitDepth: 8, Interlaced: true,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := mediatest.Clip(t, test.spec)

			got, err := probe(t, tools(t), path)
			if err != nil {
				t.Fatal(err)
			}

			test.want.Size = fileSize(t, path)
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApprox(0, 0.01)); diff != "" {
				t.Errorf("clip (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProbeRefuses(t *testing.T) {
	t.Parallel()
	clip := func(spec mediatest.Spec) string { return mediatest.Clip(t, spec) }
	content := func(text string) string { return fileOf(t, "clip.mp4", []byte(text)) }
	tests := []struct {
		name string
		path string
		want Reason
	}{
		{"empty", content(""), Empty},
		{"text", content(strings.Repeat("no video at all ", 100)), NotVideo},
		{"HLS playlist", content("#EXTM3U\n#EXTINF:10,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"), NotVideo},
		{"ffconcat", content("ffconcat version 1.0\nfile /etc/hostname\n"), NotVideo},
		{"PNG", content(string(testBrand().Curtain)), NotVideo},
		{"Matroska", clip(mediatest.Spec{Container: "matroska"}), NotVideo},
		{"WebM", clip(mediatest.Spec{Container: "webm", Codec: "libvpx"}), NotVideo},
		{"AVI", clip(mediatest.Spec{Container: "avi"}), NotVideo},
		{"MPEG transport stream", clip(mediatest.Spec{Container: "mpegts"}), NotVideo},
		{"M4A", clip(mediatest.Spec{Container: "ipod", AudioOnly: true}), NotVideo},
		{"audio only", clip(mediatest.Spec{AudioOnly: true}), NoVideo},
		{"noise", withNoise(t, mediatest.Spec{}, 0, 1), Unplayable},
		{"index of nothing", content(string(whole)), Unplayable},
		{"too many pixels", clip(mediatest.Spec{Width: 16384, Height: 8192, Frames: 1, Color: "gray"}), TooManyPixels},
		{"too long", clip(mediatest.Spec{Width: 16, Height: 16, FPS: "1", Seconds: 660}), TooLong},
		{"too many tracks", clip(mediatest.Spec{Width: 16, Height: 16, Frames: 1, Tracks: 17}), TooManyStreams},
		{"too many frames", clip(mediatest.Spec{Width: 16, Height: 16, FPS: "2000", Frames: 20}), BadFrameRate},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			_, err := probe(t, tools(t), test.path)
			_, inspectErr := inspect(t, tools(t), test.path)

			if got, same := ReasonOf(err), ReasonOf(inspectErr); got != test.want || same != got {
				t.Errorf("got %v, and %v when inspected, want %q", err, inspectErr, test.want)
			}
		})
	}
}

// The refusal shown to users contains nothing about the machine; the error for the log contains no folder.
func TestProbeKeepsFoldersToItself(t *testing.T) {
	t.Parallel()
	path := withNoise(t, mediatest.Spec{}, 0, 1)

	_, err := probe(t, tools(t), path)

	if err == nil || strings.Contains(err.Error(), filepath.Dir(path)) {
		t.Errorf("got %v, want an error without the file's folder", err)
	}
}

func TestProbeTrouble(t *testing.T) {
	t.Parallel()
	good := mediatest.Clip(t, mediatest.Spec{})
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	missing := tools(t)
	missing.FFprobe = filepath.Join(t.TempDir(), "ffprobe")
	tests := []struct {
		name  string
		probe func() (Clip, error)
		want  error
	}{
		{"no file", func() (Clip, error) {
			return tools(t).Probe(t.Context(), filepath.Join(t.TempDir(), "clip.mp4"))
		}, os.ErrNotExist},
		{"no program", func() (Clip, error) { return missing.Probe(t.Context(), good) }, os.ErrNotExist},
		{"canceled", func() (Clip, error) { return tools(t).Probe(canceled, good) }, context.Canceled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.probe()

			if !errors.Is(err, test.want) || ReasonOf(err) != "" {
				t.Errorf("got %v, want %v and no verdict", err, test.want)
			}
		})
	}
}

// withNoise replaces a part of a clip's media data by noise. from and to are fractions of the data.
func withNoise(tb testing.TB, spec mediatest.Spec, from, to float64) string {
	tb.Helper()
	return copyOf(tb, mediatest.Clip(tb, spec), func(data []byte) []byte {
		at := bytes.Index(data, []byte("mdat"))
		size := float64(binary.BigEndian.Uint32(data[at-4:]) - 8)
		random := rand.New(rand.NewPCG(1, 2))
		for i := at + 4 + int(from*size); i < at+4+int(to*size); i++ {
			data[i] = byte(random.Uint32())
		}
		return data
	})
}

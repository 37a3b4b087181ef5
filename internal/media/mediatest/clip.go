// Package mediatest makes video files for tests, with the installed FFmpeg, and inspects the results of processing.
package mediatest

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
)

// Spec describes a clip. The zero value is one second of 320×180 at 30 frames per second, H.264 in MP4, silent.
//
// The displayed, upright picture has four quarters: red and green above, blue and yellow below.
type Spec struct {
	Width, Height int     // of the coded picture; the displayed one is rotated by Rotate and stretched by SAR
	FPS           string  // "30", "30000/1001", …
	Seconds       float64 // length
	Frames        int     // length in frames, instead of Seconds
	Codec         string  // FFmpeg's encoder: "libx264", "libx265", "mpeg4", "mjpeg", …
	PixelFormat   string  // "yuv420p", "yuv420p10le", "yuvj420p", …
	Container     string  // "mp4" or "mov"; also "matroska", "avi", … for files that are refused

	Rotate int  // degrees clockwise by which a player must rotate the picture: 0, 90, 180 or 270
	Mirror bool // a player must also mirror it, before the rotation
	SAR    string
	HDR    string // "smpte2084" or "arib-std-b67": ten bits in BT.2020 with this transfer

	Color     string  // one color for the whole picture instead of the four quarters, as FFmpeg writes it
	WhiteFrom float64 // the picture is white from this second on, if > 0
	Moving    bool    // a moving test pattern instead of the four quarters
	Grain     bool    // noise like that of a camera, at 10 Mbit/s

	VFR        bool // only every third frame of the first half is kept
	Interlaced bool // marked as interlaced
	Audio      bool // with a sound track
	AudioOnly  bool // sound only
	Tracks     int  // number of identical video tracks
	Place      bool // the metadata contain the place where it was filmed
	MoovLast   bool // the index is at the end of the file
	Fragmented bool
}

// Clip makes the clip, or finds it in the cache, and returns its path. Tests must not change the file: it is kept for
// other tests in the machine's temporary folder. Without FFmpeg the test is skipped, or fails if CI is set.
func Clip(tb testing.TB, spec Spec) string {
	tb.Helper()
	Program(tb, "ffmpeg")
	spec = spec.withDefaults()
	args := spec.args()
	recipe := append(slices.Clone(args), fmt.Sprintf("rotate %d, mirror %t", spec.Rotate, spec.Mirror))
	return cached(tb, "clip", spec.Container, recipe, func(path string) error {
		if _, err := output(tb, "ffmpeg", append(args, path)...); err != nil {
			return err
		}
		if spec.Rotate == 0 && !spec.Mirror {
			return nil
		}
		return setMatrix(path, spec.Rotate, spec.Mirror)
	})
}

func (s Spec) withDefaults() Spec {
	if s.Width == 0 {
		s.Width, s.Height = 320, 180
	}
	if s.FPS == "" {
		s.FPS = "30"
	}
	if s.Seconds == 0 {
		s.Seconds = 1
	}
	if s.Codec == "" {
		s.Codec = "libx264"
	}
	if s.Container == "" {
		s.Container = "mp4"
	}
	if s.PixelFormat == "" {
		s.PixelFormat = "yuv420p"
	}
	if s.HDR != "" {
		s.PixelFormat = "yuv420p10le"
	}
	return s
}

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', -1, 64) }

package media

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pictureSize matches FFmpeg's message about a picture that is larger than -max_pixels, or overflows.
var pictureSize = regexp.MustCompile(`Picture size (\d+)x(\d+)`)

// saysTooManyPixels reports whether FFmpeg's messages are about a picture that is too large.
func saysTooManyPixels(text string) bool {
	for _, found := range pictureSize.FindAllStringSubmatch(text, -1) {
		width, widthErr := strconv.ParseFloat(found[1], 64)
		height, heightErr := strconv.ParseFloat(found[2], 64)
		if widthErr == nil && heightErr == nil && width*height > MaxPixels {
			return true
		}
	}
	return false
}

// parseReport parses ffprobe's output. A failed run is a refusal of the file if ffprobe could not read it or reached
// the memory limit, and otherwise an error of the machine.
func parseReport(output []byte, runErr error) (report, error) {
	failed, ok := errors.AsType[*RunError](runErr)
	if runErr != nil && !ok {
		return report{}, fmt.Errorf("media: probe: %w", runErr)
	}
	if failed != nil && saysTooManyPixels(failed.Tail) {
		return report{}, refuse(TooManyPixels, "at most %d pixels are allowed", MaxPixels).because(failed)
	}
	var r report
	jsonErr := json.Unmarshal(output, &r)
	switch {
	case failed == nil && jsonErr != nil:
		return report{}, fmt.Errorf("media: probe: read the output of ffprobe: %w", jsonErr)
	case failed == nil:
		return r, nil
	case failed.code < 0: // killed
		return report{}, fmt.Errorf("media: probe: %w", failed)
	case jsonErr == nil && r.Error != nil && aboutTheMachine(r.Error.Code):
		return report{}, fmt.Errorf("media: probe: %w", failed)
	}
	return report{}, refuse(Unplayable, "it cannot be read").because(failed)
}

// aboutTheMachine reports whether FFmpeg's error code, a negated errno, is unrelated to the file. ENOMEM is not: the
// file needed more than the limit.
func aboutTheMachine(code int) bool {
	return slices.Contains([]syscall.Errno{
		syscall.EIO, syscall.ENOENT, syscall.EACCES, syscall.EPERM, syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN,
	}, syscall.Errno(-code))
}

// clip describes the first video stream of which a frame was decoded, and checks the limits.
func (r report) clip() (Clip, error) {
	if r.Format.Streams > MaxStreams {
		return Clip{}, refuse(TooManyStreams, "more than %d tracks", MaxStreams)
	}
	if len(r.Streams) == 0 {
		return Clip{}, refuse(NoVideo, "no video track")
	}
	s, ok := r.playable()
	if !ok {
		return Clip{Codec: r.Streams[0].Codec}, refuse(Unplayable, "its first picture cannot be decoded")
	}
	c := Clip{
		Stream: s.Index, Codec: s.Codec, Width: s.Width, Height: s.Height, SAR: parseSAR(s.SAR),
		Duration:   max(parseSeconds(s.Duration), 0),
		FrameRate:  parseRate(s.AverageFrameRate),
		BitDepth:   bitDepth(s),
		Interlaced: s.interlaced(),
		Transfer:   known(s.ColorTransfer), Matrix: known(s.ColorSpace),
	}
	if len(r.Streams) == 1 && c.Duration == 0 {
		c.Duration = max(parseSeconds(r.Format.Duration), 0)
	}
	c.HDR = c.Transfer == "smpte2084" || c.Transfer == "arib-std-b67"
	for _, side := range s.SideData {
		if side.DisplayMatrix != "" {
			c.Turn = parseTurn(side.DisplayMatrix)
		}
	}
	width, height := c.displayed()
	c.DisplayWidth, c.DisplayHeight = int(math.Round(width)), int(math.Round(height))
	return c, c.check()
}

// check refuses a clip beyond the limits.
func (c Clip) check() error {
	switch {
	case c.Width < 1 || c.Height < 1:
		return refuse(Unplayable, "its picture has no size")
	case c.Width*c.Height > MaxPixels:
		return refuse(TooManyPixels, "%d×%d, at most %d pixels are allowed", c.Width, c.Height, MaxPixels)
	case c.Duration > MaxDuration:
		return refuse(TooLong, "%v, at most %v is allowed", c.Duration.Round(time.Second), MaxDuration)
	case c.FrameRate <= 0:
		return refuse(BadFrameRate, "its frames have no rate")
	case math.Round(c.FrameRate) > MaxFrameRate:
		return refuse(BadFrameRate, "%.0f frames a second, at most %d are allowed", c.FrameRate, MaxFrameRate)
	}
	return nil
}

// playable returns the first stream of which a frame was decoded, or whose first packet is hidden by an edit list. It
// completes the stream's properties with those of the frame.
func (r report) playable() (stream, bool) {
	for _, s := range r.Streams {
		for _, f := range r.First {
			switch {
			case f.Stream != s.Index:
			case f.Type == "packet" && strings.Contains(f.Flags, "D"):
				return s, true
			case f.Type == "frame" && f.Width > 0 && f.Height > 0:
				s.Width, s.Height, s.PixelFormat = f.Width, f.Height, f.PixelFormat
				s.InterlacedFrame = f.Interlaced != 0
				if known(s.ColorSpace) == "" {
					s.ColorSpace = f.ColorSpace
				}
				if known(s.ColorTransfer) == "" {
					s.ColorTransfer = f.ColorTransfer
				}
				return s, true
			}
		}
	}
	return stream{}, false
}

// interlaced reports whether the fields of a picture were captured one after the other. FFmpeg 4.4 does not report a
// field order, so the first frame counts too.
func (s stream) interlaced() bool {
	return s.InterlacedFrame || slices.Contains([]string{"tt", "bb", "tb", "bt"}, s.FieldOrder)
}

// displayed returns the displayed size in square pixels.
func (c Clip) displayed() (width, height float64) {
	width, height = float64(c.Width)*float64(c.SAR.Num)/float64(c.SAR.Den), float64(c.Height)
	if c.Turn.sideways() {
		width, height = height, width
	}
	return width, height
}

func known(name string) string {
	if name == "unknown" || name == "unspecified" || name == "reserved" {
		return ""
	}
	return name
}

// parseSeconds parses "12.345000"; anything else, such as "N/A", is 0.
func parseSeconds(s string) time.Duration {
	seconds, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(seconds) {
		return 0
	}
	return time.Duration(min(max(seconds, -1e9), 1e9) * float64(time.Second))
}

// parseRate parses "30000/1001"; anything else, and "0/0", is 0.
func parseRate(s string) float64 {
	r, ok := parseRatio(s, "/")
	if !ok {
		return 0
	}
	return float64(r.Num) / float64(r.Den)
}

// parseSAR parses "4:3"; anything else, and "0:1", is 1:1.
func parseSAR(s string) Ratio {
	if r, ok := parseRatio(s, ":"); ok {
		return r
	}
	return Ratio{1, 1}
}

func parseRatio(s, separator string) (Ratio, bool) {
	left, right, ok := strings.Cut(s, separator)
	num, numErr := strconv.Atoi(left)
	den, denErr := strconv.Atoi(right)
	return Ratio{num, den}, ok && numErr == nil && denErr == nil && num > 0 && den > 0
}

// bitDepth returns the decoder's bit depth, or derives it from the pixel format: "yuv420p10le" has 10.
func bitDepth(s stream) int {
	if n, err := strconv.Atoi(s.BitDepth); err == nil && n > 0 {
		return n
	}
	for _, n := range []int{9, 10, 12, 14, 16} {
		for _, ending := range []string{"le", "be"} {
			if strings.HasSuffix(s.PixelFormat, strconv.Itoa(n)+ending) {
				return n
			}
		}
	}
	return 8
}

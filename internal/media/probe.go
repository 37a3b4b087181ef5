package media

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Clip describes a video file that Probe has accepted.
type Clip struct {
	Container Container
	Size      int64 // of the file, in bytes
	Stream    int   // the index among all streams of the file
	Audio     bool  // has a sound track

	Codec         string // FFmpeg's name: "h264", "hevc", …
	Width, Height int    // of the decoded picture, in pixels
	SAR           Ratio  // width to height of one pixel; never zero
	Turn          Turn   // rotation to show the picture upright

	// DisplayWidth and DisplayHeight are the displayed size: upright, with square pixels.
	DisplayWidth, DisplayHeight int

	Duration   time.Duration // of the video stream; 0 if unknown, as in a fragmented recording
	FrameRate  float64       // average, frames per second
	BitDepth   int           // of one color component
	Interlaced bool
	HDR        bool   // transfer function SMPTE ST 2084 (PQ) or ARIB STD-B67 (HLG)
	Transfer   string // FFmpeg's names of the color properties, "" if unknown
	Matrix     string
}

// Ratio is a fraction.
type Ratio struct{ Num, Den int }

// play returns how much of the clip the rendition shows.
func (c Clip) play() time.Duration {
	if c.Duration <= 0 {
		return MaxPlay
	}
	return min(c.Duration, MaxPlay)
}

// Probe describes a file, or refuses it: see Reason. It parses the structure of the file and lets ffprobe decode the
// first frame, which takes about 0.1 s for a file of any length, at the low priority of a rendition.
//
// It accepts a clip whose first frame is hidden by an edit list, as phones write after trimming, without decoding a
// frame; Render detects a failure.
func (t Tools) Probe(ctx context.Context, path string) (Clip, error) {
	size, boxes, err := layoutOf(path)
	if err != nil {
		return Clip{}, err
	}
	clip, err := t.ffprobe(ctx, path, renderNiceness)
	if err != nil {
		return Clip{}, err
	}
	clip.Container, clip.Size, clip.Audio = boxes.container(), size, boxes.has("soun")
	return clip, nil
}

// ffprobe is Probe for a file whose boxes are valid, at a niceness of 0 to 19. If this FFmpeg cannot inspect any such
// file, the error wraps ErrInstallation instead of a refusal.
func (t Tools) ffprobe(ctx context.Context, path string, niceness int) (Clip, error) {
	clip, err := t.runFFprobe(ctx, path, niceness)
	if err = blame(ctx, err, t.TryProbe); ReasonOf(err) == Unplayable && clip.Codec != "" {
		if lacks := t.checkDecoder(ctx, clip.Codec); lacks != nil {
			err = lacks
		}
	}
	return clip, err
}

// runFFprobe runs ffprobe and parses its output. If the first picture cannot be decoded, it returns the codec too.
func (t Tools) runFFprobe(ctx context.Context, path string, niceness int) (Clip, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Clip{}, fmt.Errorf("media: probe: %w", err)
	}
	out := &capped{most: maxReport}
	warnings, runErr := command{
		Path:   t.FFprobe,
		Args:   probeArgs(path),
		Stdout: out,
		Limits: limits{
			CPU: probeCPU, Stall: stallLimit, Time: probeClockLimit,
			AddressSpace: t.probeAddressSpace(), Niceness: niceness,
		},
		Hidden: []string{path},
		Cell:   t.cell(t.FFprobe, []string{path}, nil),
		Used:   t.used,
	}.run(ctx)
	if out.full {
		return Clip{}, refuse(Unplayable, "there is no end to what it says of itself").because(runErr)
	}
	report, err := parseReport(out.data, runErr)
	if err != nil {
		return Clip{}, err
	}
	clip, err := report.clip()
	if ReasonOf(err) == Unplayable && saysTooManyPixels(warnings) {
		return Clip{}, refuse(TooManyPixels, "at most %d pixels are allowed", MaxPixels).because(err)
	}
	return clip, err
}

// layoutOf opens a file and reads its boxes.
func layoutOf(path string) (size int64, l layout, err error) {
	err = opened(path, func(f *os.File, n int64) error {
		size = n
		l, err = readLayout(f, n)
		return err
	})
	return size, l, err
}

// opened calls do with the open file and its size in bytes.
func opened(path string, do func(f *os.File, size int64) error) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("media: probe: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("media: probe: %w", err)
	}
	return do(f, info.Size())
}

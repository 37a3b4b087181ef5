package media

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Render says what to make of which clip, and where.
type Render struct {
	Clip   Clip   // as Probe described Source
	Source string // path of the uploaded file
	Brand  BrandFiles
	Dest   string // path of the rendition, overwritten
	Poster string // path of the poster, overwritten

	// Progress, if not nil, is told whole percentages that only rise, up to 100 when all is done and verified; never
	// two at once. A slow one slows FFmpeg down.
	Progress func(percent int)
}

// Rendition describes what Render has made.
type Rendition struct {
	Frames     int           // curtains included
	PlayFrames int           // of the clip
	Duration   time.Duration // curtains included
	Size       int64         // bytes of the file
	PosterSize int64         // bytes of the poster
}

// Render makes an MP4 of H.264 in 1280×720 at 30 frames per second, without sound, of an opening curtain, the clip's first
// MaxPlay and a closing curtain; and a JPEG of 1280×720 from the play. Both show the watermark. One run of FFmpeg does it.
//
// A clip that is damaged in places is rendered as far as it can be decoded, the last good picture standing where one is
// missing. It is refused as Unplayable if no picture could be decoded, if most could not, or if damage leaves less than
// half of the play. If this FFmpeg does not render any clip, the error wraps ErrInstallation.
//
// Files are left at Dest and Poster only without an error. They are not synced to disk.
func (t Tools) Render(ctx context.Context, r Render) (Rendition, error) {
	made, err := t.render(ctx, r)
	if err == nil {
		return made, nil
	}
	for _, path := range []string{r.Dest, r.Poster} {
		if removeErr := os.Remove(path); removeErr != nil && !errors.Is(removeErr, os.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
	}
	return Rendition{}, blame(ctx, err, func(ctx context.Context) error { return t.TryRender(ctx, r.Brand) })
}

// RenderArgs are the arguments with which Render runs FFmpeg, to measure it beside the bare program.
func (t Tools) RenderArgs(r Render) ([]string, error) {
	r, err := r.absolute()
	return renderArgs(r, max(1, t.Threads), t.Tonemap), err
}

func (t Tools) render(ctx context.Context, r Render) (Rendition, error) {
	r, err := r.absolute()
	if err != nil {
		return Rendition{}, fmt.Errorf("media: render: %w", err)
	}
	if err := r.makeOutputs(); err != nil {
		return Rendition{}, fmt.Errorf("media: render: %w", err)
	}
	threads := max(1, t.Threads)
	watch := &progress{Total: 2*curtainFrames + expectedFrames(r.Clip), Report: r.Progress}
	warnings, err := command{
		Path:   t.FFmpeg,
		Args:   renderArgs(r, threads, t.Tonemap),
		Stdout: watch,
		Frames: watch.frames.Load,
		Limits: limits{
			CPU:          t.cpuLimit(r.Clip),
			Stall:        cmp.Or(t.MaxStall, stallLimit),
			Time:         renderClockLimit,
			AddressSpace: t.addressSpace(r.Clip),
			FileSize:     maxOutputBytes,
			Niceness:     renderNiceness,
		},
		Hidden: []string{r.Source, r.Dest, r.Poster, r.Brand.Curtain, r.Brand.Watermark},
		Cell:   t.cell(t.FFmpeg, []string{r.Source, r.Brand.Curtain, r.Brand.Watermark}, []string{r.Dest, r.Poster}),
		Used:   t.used,
	}.run(ctx)
	if err != nil {
		return Rendition{}, renderError(err)
	}
	frames := int(watch.frames.Load())
	made := Rendition{Frames: frames, PlayFrames: frames - 2*curtainFrames}
	if err := made.judge(r.Clip, warnings); err != nil {
		return Rendition{}, err
	}
	if err := made.verify(r); err != nil {
		return Rendition{}, fmt.Errorf("media: verify rendition: %w", err)
	}
	watch.report(100)
	return made, nil
}

func (r Render) absolute() (Render, error) {
	var err error
	for _, path := range []*string{&r.Source, &r.Dest, &r.Poster, &r.Brand.Curtain, &r.Brand.Watermark} {
		if *path, err = filepath.Abs(*path); err != nil {
			return r, err
		}
	}
	return r, nil
}

// makeOutputs makes the two files that FFmpeg writes: a confined one can make none, so it can fill no folder either.
func (r Render) makeOutputs() error {
	for _, path := range []string{r.Dest, r.Poster} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// expectedFrames is how many frames of play a clip should give.
func expectedFrames(c Clip) int {
	return int(math.Round(c.play().Seconds() * FrameRate))
}

const (
	// tooManyErrors is FFmpeg's exit status when more than two thirds of the frames could not be decoded
	// (-max_error_rate).
	tooManyErrors = 69

	// What FFmpeg writes about a broken file, and about a full disk.
	invalidData = "Invalid data found when processing input"
	diskFull    = "No space left on device"

	// What FFmpeg and its encoder write at the end of the memory that they were allowed.
	noMemory, noMemoryEncoder = "Cannot allocate memory", "x264 [error]: malloc of size"
)

// renderError tells a clip that cannot be decoded from trouble with the machine.
func renderError(err error) error {
	failed, ok := errors.AsType[*RunError](err)
	if !ok {
		return fmt.Errorf("media: render: %w", err)
	}
	switch {
	case saysTooManyPixels(failed.Tail):
		return refuse(TooManyPixels, "at most %d pixels are allowed", MaxPixels).because(failed)
	case failed.code == tooManyErrors,
		failed.code > 0 && strings.Contains(failed.Tail, invalidData) && !strings.Contains(failed.Tail, diskFull):
		return refuse(Unplayable, "most of its pictures cannot be decoded").because(failed)
	case failed.code > 0 && (strings.Contains(failed.Tail, noMemory) || strings.Contains(failed.Tail, noMemoryEncoder)):
		return refuse(Unplayable, "it takes more memory than a video of its size should").because(failed)
	}
	return fmt.Errorf("media: render: %w", failed)
}

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

// Render are the inputs and outputs of a rendition.
type Render struct {
	Clip   Clip   // as Probe described Source
	Source string // path of the uploaded file
	Brand  BrandFiles
	Dest   string // path of the rendition, overwritten
	Poster string // path of the poster, overwritten

	// Progress, if not nil, is called with increasing percentages, up to 100 when the rendition is complete and
	// verified. Calls are not concurrent. A slow Progress slows FFmpeg down.
	Progress func(percent int)
}

// Rendition describes the result of Render.
type Rendition struct {
	Frames     int           // curtains included
	PlayFrames int           // of the clip
	Duration   time.Duration // curtains included
	Size       int64         // bytes of the file
	PosterSize int64         // bytes of the poster
}

// Render makes an MP4 in H.264, 1280×720, 30 frames per second, without sound: an opening curtain, the clip's first
// MaxPlay and a closing curtain; and a JPEG of 1280×720 from the clip. Both show the watermark. One run of FFmpeg
// makes both.
//
// A partly damaged clip is rendered as far as it can be decoded; the last good picture replaces missing ones. It is
// refused as Unplayable if no picture or only a minority can be decoded, or if the damage leaves less than half of
// the play. If this FFmpeg does not render any clip, the error wraps ErrInstallation.
//
// The files at Dest and Poster remain only if there is no error. They are not synced to disk.
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

// RenderArgs returns the arguments with which Render runs FFmpeg, for a comparison with the bare program.
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

// makeOutputs creates the two files that FFmpeg writes. A sandboxed FFmpeg cannot create files, so it cannot fill a
// folder either.
func (r Render) makeOutputs() error {
	for _, path := range []string{r.Dest, r.Poster} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// expectedFrames returns the expected number of frames of play.
func expectedFrames(c Clip) int {
	return int(math.Round(c.play().Seconds() * FrameRate))
}

const (
	// tooManyErrors is FFmpeg's exit status if more than two thirds of the frames could not be decoded
	// (-max_error_rate).
	tooManyErrors = 69

	// FFmpeg's messages about a broken file and a full disk.
	invalidData = "Invalid data found when processing input"
	diskFull    = "No space left on device"

	// Messages of FFmpeg and x264 when they reach the memory limit.
	noMemory, noMemoryEncoder = "Cannot allocate memory", "x264 [error]: malloc of size"
)

// renderError tells a clip that cannot be decoded from a failure of the machine.
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

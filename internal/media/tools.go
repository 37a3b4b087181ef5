package media

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Tools are the programs of an installed FFmpeg, version 4.4 or newer. Find makes them.
type Tools struct {
	FFmpeg, FFprobe string // absolute paths

	// Threads is how many threads one rendering decodes, filters and encodes with. One is right where several
	// renderings run side by side: two with one thread each finish more videos on two processors than one with two.
	Threads int

	// Tonemap is whether this FFmpeg can turn HDR into standard range properly (filters zscale and tonemap).
	// Without, HDR videos come out pale.
	Tonemap bool

	MaxMemory uint64        // bytes of address space of one run, whatever its clip needs; 0 for no bound beyond that
	MaxCPU    time.Duration // processor time of one rendering, whatever its clip needs; 0 for the usual hour
	MaxStall  time.Duration // of one rendering without progress; 0 for the usual two minutes

	cells map[string]cell        // by program: where it runs, see Confine
	used  func(*os.ProcessState) // told what each run has used; may be nil
}

// renderNiceness keeps renderings behind the program's own work when processors are scarce.
const renderNiceness = 10

// queryLimits are for asking a program about itself, which takes 0.1 s.
var queryLimits = limits{CPU: probeCPU, Stall: stallLimit, Time: probeClockLimit}

// Find locates ffmpeg and ffprobe, by the given paths or names, or in PATH where they are "", and asks what they can do.
// The error says what to install.
func Find(ctx context.Context, ffmpeg, ffprobe string) (Tools, error) {
	t, err := Locate(ffmpeg, ffprobe)
	if err != nil {
		return Tools{}, err
	}
	if t.Tonemap, err = t.CanTonemap(ctx); err != nil {
		return Tools{}, err
	}
	return t, nil
}

// Locate is Find without asking, which takes a tenth of a second for each program: for who judges videos and renders none, or
// asks at the same time as it does something else.
func Locate(ffmpeg, ffprobe string) (Tools, error) {
	t := Tools{Threads: 1}
	var err error
	if t.FFmpeg, err = locate(ffmpeg, "ffmpeg"); err != nil {
		return Tools{}, err
	}
	if t.FFprobe, err = locate(ffprobe, "ffprobe"); err != nil {
		return Tools{}, err
	}
	return t, nil
}

// CanTonemap asks FFmpeg what Tonemap is to be. The error is for one that does not run.
func (t Tools) CanTonemap(ctx context.Context) (bool, error) {
	filters, err := t.ask(ctx, t.FFmpeg, "-filters")
	return lists(filters, "zscale") && lists(filters, "tonemap"), err
}

// Judges asks ffprobe, which judges videos, for its version. The error is for one that does not run.
func (t Tools) Judges(ctx context.Context) error {
	_, err := t.ask(ctx, t.FFprobe, "-version")
	return err
}

func locate(program, name string) (string, error) {
	if program == "" {
		program = name
	}
	path, err := exec.LookPath(program)
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, exec.ErrDot) {
		return "", fmt.Errorf("media: %s was not found: install FFmpeg 4.4 or newer (package \"ffmpeg\"): %w", program, err)
	}
	if err != nil {
		return "", fmt.Errorf("media: %s: %w", name, err)
	}
	return filepath.Abs(path)
}

// ask runs a program for what it says about itself.
func (t Tools) ask(ctx context.Context, program string, args ...string) (string, error) {
	out := &capped{most: maxReport}
	_, err := command{
		Path:   program,
		Args:   append([]string{"-hide_banner", "-loglevel", "error"}, args...),
		Stdout: out,
		Limits: queryLimits,
		Cell:   t.cell(program, nil, nil),
	}.run(ctx)
	return string(out.data), err
}

// lists tells whether one of the lines of -filters, -decoders or -encoders is about name: flags, name, description.
func lists(listing, name string) bool {
	for line := range strings.Lines(listing) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[1] == name {
			return true
		}
	}
	return false
}

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

// Tools are the programs of an installed FFmpeg, version 4.4 or newer. Find returns them.
type Tools struct {
	FFmpeg, FFprobe string // absolute paths

	// Threads is the number of threads of one rendering. One is best if several renderings run concurrently: on two
	// processors, two renderings with one thread each finish more videos than one with two.
	Threads int

	// Tonemap is whether this FFmpeg has the filters for HDR (zscale and tonemap). Without them, HDR videos look
	// pale.
	Tonemap bool

	MaxMemory uint64        // bytes of address space per run, if below the clip's own limit; 0 for no additional limit
	MaxCPU    time.Duration // processor time per rendering, if below the clip's own limit; 0 for no additional limit
	MaxStall  time.Duration // time without progress per rendering; 0 for two minutes

	cells map[string]cell        // by program, see Confine
	used  func(*os.ProcessState) // called with the resource usage of each run; may be nil
}

// renderNiceness gives the program's own requests precedence over renderings when processors are scarce.
const renderNiceness = 10

// queryLimits are the limits of a run that only queries a program's features, which takes 0.1 s.
var queryLimits = limits{CPU: probeCPU, Stall: stallLimit, Time: probeClockLimit}

// Find locates ffmpeg and ffprobe, by the given paths or names, or in PATH if they are "", and queries their
// features. The error says what to install.
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

// Locate is Find without the queries, which take a tenth of a second per program. It is for processes that only
// inspect videos, or query concurrently with other work.
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

// CanTonemap queries FFmpeg for the value of Tonemap. It returns an error if FFmpeg does not run.
func (t Tools) CanTonemap(ctx context.Context) (bool, error) {
	filters, err := t.ask(ctx, t.FFmpeg, "-filters")
	return lists(filters, "zscale") && lists(filters, "tonemap"), err
}

// Judges runs ffprobe, which inspects videos, for its version. It returns an error if ffprobe does not run.
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

// ask runs a program that prints information about itself.
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

// lists reports whether a line of -filters, -decoders or -encoders is about name. A line has flags, name,
// description.
func lists(listing, name string) bool {
	for line := range strings.Lines(listing) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[1] == name {
			return true
		}
	}
	return false
}

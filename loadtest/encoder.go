package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"risingstars/internal/media"
)

// presets are those of x264 that are compared, from the fastest.
var presets = []string{"ultrafast", "superfast", "veryfast", "faster", "fast", "medium"}

// defaultPreset is what the program renders with, and what the others are held against.
const defaultPreset = "veryfast"

// encoder compares x264's presets, each at the rate factor with which it shows the play as well as the default does, by
// their SSIM to a rendition without loss (Wang et al., Image Quality Assessment, 2004).
type encoder struct {
	tools     media.Tools
	source    media.Render
	dir       string
	reference string
}

// tried is a preset at a rate factor.
type tried struct {
	preset string
	crf    float64
	ssim   float64 // in decibels
	bytes  int64
}

func (b *bench) compareEncoder(h *host) []figure {
	e := newEncoder(h, b)
	standard := e.try(h, defaultPreset, e.factor(h))
	list := []tried{standard}
	others := presets
	if b.quick {
		others = presets[:1]
	}
	for _, preset := range others {
		if preset != defaultPreset {
			list = append(list, e.equal(h, preset, standard))
		}
	}
	narrow, wide := make([][]float64, len(list)), make([][]float64, len(list))
	for range b.Rounds {
		for i, t := range list {
			narrow[i] = append(narrow[i], e.perMinute(h, t, b.cores, 1))
			wide[i] = append(wide[i], e.perMinute(h, t, 1, b.cores))
		}
	}
	figures := []figure{
		{What: "SSIM of the default", Value: standard.ssim, Unit: "dB"},
		{What: "a clip of the default", Value: float64(standard.bytes) / 1e6, Unit: "MB"},
		{What: "videos a minute with the default, a run for each processor", Value: median(narrow[0]), Unit: "videos/min"},
		{
			What: "the default with one run that has a thread for each processor", Value: ratioOf(wide[0], narrow[0]), Unit: "of the default",
		},
	}
	for i, t := range list[1:] {
		figures = append(figures,
			figure{What: t.preset + ": rate factor of the same SSIM", Value: t.crf, Unit: "CRF"},
			figure{What: t.preset + ": SSIM", Value: t.ssim, Unit: "dB"},
			figure{What: t.preset + ": size of the clip", Value: float64(t.bytes) / float64(standard.bytes), Unit: "of the default"},
			figure{What: t.preset + ": videos a minute, a run for each processor", Value: ratioOf(narrow[i+1], narrow[0]), Unit: "of the default"},
			figure{What: t.preset + ": videos a minute, one run with a thread for each processor", Value: ratioOf(wide[i+1], narrow[0]), Unit: "of the default"},
		)
	}
	return figures
}

// ratioOf is the median of what each round gave beside what the other gave in it.
func ratioOf(these, those []float64) float64 {
	ratios := make([]float64, len(these))
	for i := range these {
		ratios[i] = these[i] / those[i]
	}
	return median(ratios)
}

// newEncoder makes a clip to render, and its rendition without loss. The clip is a slow flight into a fractal, out of focus
// and with a camera's grain: there is detail, motion and noise in it, and rendered it stays below the greatest rate, which
// would keep any rate factor from its effect.
func newEncoder(h *host, b *bench) *encoder {
	e := &encoder{tools: b.tools, dir: h.TempDir()}
	size, length := "1920x1080", 10
	if b.quick {
		size, length = "640x360", 1
	}
	clip := filepath.Join(e.dir, "source.mp4")
	_, err := said(h.ctx, e.tools.FFmpeg, "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
		fmt.Sprintf("mandelbrot=size=%s:rate=30:maxiter=200:end_scale=0.05:end_pts=600,trim=duration=%d,gblur=sigma=1.2,noise=alls=3:allf=t", size, length),
		"-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-pix_fmt", "yuv420p", clip)
	h.must(err, "make a clip")
	e.source, err = renderOf(h.ctx, e.tools, e.dir, clip)
	h.must(err, "look at the clip")
	e.reference = filepath.Join(e.dir, "reference.mp4")
	args := e.args(h, e.reference, 1)
	args = put(h, args, "-preset", "ultrafast")
	args = put(h, args, "-crf", "0")
	args = put(h, args, "-profile:v", "high444")
	h.must(niced(h.ctx, e.tools.FFmpeg, without(h, without(h, args, "-maxrate"), "-bufsize")), "render without loss")
	return e
}

// args are the program's own for a rendition of the clip.
func (e *encoder) args(h *host, dest string, threads int) []string {
	job := e.source
	job.Dest, job.Poster = dest, dest+".jpg"
	tools := e.tools
	tools.Threads = threads
	args, err := tools.RenderArgs(job)
	h.must(err, "make FFmpeg's arguments")
	return args
}

func (e *encoder) with(h *host, t tried, dest string, threads int) []string {
	args := put(h, e.args(h, dest, threads), "-preset", t.preset)
	return put(h, args, "-crf", strconv.FormatFloat(t.crf, 'f', 2, 64))
}

// factor is the rate factor that the program uses.
func (e *encoder) factor(h *host) float64 {
	args := e.args(h, e.reference, 1)
	crf, err := strconv.ParseFloat(args[valueOf(h, args, "-crf")], 64)
	h.must(err, "read the rate factor")
	return crf
}

// try renders the clip once and holds it against the reference.
func (e *encoder) try(h *host, preset string, crf float64) tried {
	t := tried{preset: preset, crf: crf}
	dest := filepath.Join(e.dir, preset+".mp4")
	h.must(niced(h.ctx, e.tools.FFmpeg, e.with(h, t, dest, 1)), "render")
	stat, err := os.Stat(dest)
	h.must(err, "look at a rendition")
	t.bytes = stat.Size()
	text, err := said(h.ctx, e.tools.FFmpeg, "-nostdin", "-hide_banner", "-i", dest, "-i", e.reference, "-lavfi", "ssim", "-f", "null", "-")
	h.must(err, "compare renditions")
	t.ssim, err = ssimIn(text)
	h.must(err, "compare renditions")
	return t
}

var ssimLine = regexp.MustCompile(`SSIM .*All:[0-9.]+ \(([0-9.]+)\)`)

// ssimIn finds the SSIM over all planes in what FFmpeg's filter says, as -10 log10(1 - SSIM).
func ssimIn(text string) (float64, error) {
	m := ssimLine.FindStringSubmatch(text)
	if m == nil {
		return 0, errors.New("FFmpeg does not say the SSIM")
	}
	return strconv.ParseFloat(m[1], 64)
}

// equal finds the rate factor at which a preset comes to within a twentieth of a decibel of the standard.
func (e *encoder) equal(h *host, preset string, standard tried) tried {
	const perFactor = -0.35 // decibels, about, for the first step
	best := e.try(h, preset, standard.crf)
	before, slope := best, perFactor
	for range 5 {
		if math.Abs(best.ssim-standard.ssim) < .05 {
			break
		}
		now := e.try(h, preset, max(1, best.crf+(standard.ssim-best.ssim)/slope))
		if now.crf != before.crf && now.ssim != before.ssim {
			slope = min(-.05, (now.ssim-before.ssim)/(now.crf-before.crf))
		}
		before, best = now, now
	}
	return best
}

// perMinute renders the clip so many times at once, each with so many threads.
func (e *encoder) perMinute(h *host, t tried, runs, threads int) float64 {
	failures := make(chan error, runs)
	begin := time.Now()
	for i := range runs {
		args := e.with(h, t, filepath.Join(e.dir, fmt.Sprintf("timed-%d.mp4", i)), threads)
		go func() { failures <- niced(h.ctx, e.tools.FFmpeg, args) }()
	}
	for range runs {
		h.must(<-failures, "render")
	}
	return float64(runs) / time.Since(begin).Minutes()
}

// said is all that a program wrote.
func said(ctx context.Context, program string, args ...string) (string, error) {
	text, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, text)
	}
	return string(text), err
}

// valueOf is the place of an option's last value, which is that of the rendition.
func valueOf(h *host, args []string, option string) int {
	for i := len(args) - 2; i >= 0; i-- {
		if args[i] == option {
			return i + 1
		}
	}
	h.Fatal("a rendition has no option " + option)
	return 0
}

func put(h *host, args []string, option, value string) []string {
	args = slices.Clone(args)
	args[valueOf(h, args, option)] = value
	return args
}

func without(h *host, args []string, option string) []string {
	i := valueOf(h, args, option)
	return slices.Delete(slices.Clone(args), i-1, i+1)
}

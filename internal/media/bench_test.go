package media

import (
	"io"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"risingstars/internal/media/mediatest"
)

// BenchmarkRender30s1080p compares a rendition with the bare FFmpeg command that encodes only the clip with the same
// options: without curtains, watermark, poster and verification. The two run alternately, with the same threads and
// priority. The metric "ratio" is the ratio of their wall times, "cpu-ratio" that of their processor times, on which
// a busy machine has less influence.
func BenchmarkRender30s1080p(b *testing.B) {
	source := mediatest.Clip(b, mediatest.Spec{Width: 1920, Height: 1080, Seconds: 30, Moving: true, Grain: true, Audio: true})
	for _, threads := range []int{1, 2} {
		b.Run("threads="+strconv.Itoa(threads), func(b *testing.B) {
			tools := tools(b)
			tools.Threads = threads
			dir := b.TempDir()
			clip, err := tools.Probe(b.Context(), source)
			if err != nil {
				b.Fatal(err)
			}
			r := Render{
				Clip: clip, Source: source, Brand: builtInBrand(b),
				Dest: filepath.Join(dir, "clip.mp4"), Poster: filepath.Join(dir, "poster.jpg"),
			}
			bare := command{
				Path: tools.FFmpeg, Args: bareArgs(source, filepath.Join(dir, "bare.mp4"), threads),
				Stdout: io.Discard, Limits: limits{Niceness: renderNiceness},
			}
			var ours, theirs, oursCPU, theirsCPU time.Duration
			for b.Loop() {
				start, startCPU := time.Now(), childrenCPU(b)
				if _, err := bare.run(b.Context()); err != nil {
					b.Fatal(err)
				}
				theirs += time.Since(start)
				theirsCPU += childrenCPU(b) - startCPU

				start, startCPU = time.Now(), childrenCPU(b)
				if _, err := tools.Render(b.Context(), r); err != nil {
					b.Fatal(err)
				}
				ours += time.Since(start)
				oursCPU += childrenCPU(b) - startCPU
			}
			b.ReportMetric(float64(ours)/float64(theirs), "ratio")
			b.ReportMetric(float64(oursCPU)/float64(theirsCPU), "cpu-ratio")
			b.ReportMetric(ours.Seconds()/float64(b.N), "s/rendition")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkProbe compares a probe with the bare run of ffprobe in it. The metric "more-ms" is the cost of the sandbox
// and of this package's parsers.
func BenchmarkProbe(b *testing.B) {
	source := mediatest.Clip(b, mediatest.Spec{Width: 1920, Height: 1080, Seconds: 30, Moving: true, Grain: true, Audio: true})
	tools := tools(b)
	bare := command{Path: tools.FFprobe, Args: probeArgs(source), Stdout: io.Discard}
	var ours, theirs time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := bare.run(b.Context()); err != nil {
			b.Fatal(err)
		}
		theirs += time.Since(start)

		start = time.Now()
		if _, err := tools.Probe(b.Context(), source); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(start)
	}
	b.ReportMetric(float64(ours)/float64(theirs), "ratio")
	b.ReportMetric(float64((ours-theirs).Milliseconds())/float64(b.N), "more-ms")
	b.ReportMetric(0, "ns/op")
}

// childrenCPU returns the processor time of all child processes so far.
func childrenCPU(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// bareArgs returns arguments that encode a clip with the options of a rendition.
func bareArgs(source, dest string, threads int) []string {
	n := strconv.Itoa(threads)
	return []string{
		"-nostdin", "-y", "-loglevel", "error", "-filter_threads", n, "-threads", n, "-i", source,
		"-t", "30", "-an", "-vf", "scale=1280:720,fps=30",
		"-c:v", "libx264", "-threads", n, "-preset", "veryfast", "-profile:v", "high", "-level:v", "4.0",
		"-crf", "23", "-maxrate", "4M", "-bufsize", "8M", "-g", "60", "-pix_fmt", "yuv420p", "-movflags", "+faststart", dest,
	}
}

func builtInBrand(b *testing.B) BrandFiles {
	b.Helper()
	brand, err := LoadBrand("", "")
	if err != nil {
		b.Fatal(err)
	}
	files, err := brand.WriteTo(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	return files
}

// BenchmarkInspect compares the fast path with a full probe, alternately: "ratio" is the ratio of their times.
func BenchmarkInspect(b *testing.B) {
	source := mediatest.Clip(b, mediatest.Spec{Width: 1920, Height: 1080, Seconds: 30, Moving: true, Grain: true, Audio: true})
	tools := tools(b)
	var ours, theirs time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := tools.InspectFile(b.Context(), source); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(start)
		start = time.Now()
		if _, err := tools.Probe(b.Context(), source); err != nil {
			b.Fatal(err)
		}
		theirs += time.Since(start)
	}
	b.ReportMetric(float64(ours)/float64(theirs), "ratio")
	b.ReportMetric(float64(ours.Microseconds())/float64(b.N), "us/file")
	b.ReportMetric(0, "ns/op")
}

package bench

import (
	"os"
	"testing"
	"time"
)

// BenchmarkStart measures the time from the start of the program to its first answer, its size, and its memory when
// idle.
func BenchmarkStart(b *testing.B) {
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	stat, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	startProgram(b, "DATA_DIR="+dir).stop(b) // makes the database
	var times []float64
	var idle int64
	for b.Loop() { // runs once with -benchtime 1x
		for range rounds {
			begin := time.Now()
			p := startProgram(b, "DATA_DIR="+dir)
			p.get(b, "", "/readyz", nil)
			times = append(times, float64(time.Since(begin).Milliseconds()))
			idle = p.memory(b, "VmRSS")
			p.stop(b)
		}
	}
	b.ReportMetric(median(times), "ms-to-ready")
	b.ReportMetric(float64(stat.Size())/(1<<20), "MiB-binary")
	b.ReportMetric(float64(idle)/(1<<20), "MiB-idle")
}

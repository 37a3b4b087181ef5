package bench

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

const hundred = 100 << 20 // the largest upload, in bytes

// BenchmarkUpload compares an accepted upload of 100 MiB, inspected and committed, with a handler that copies the
// same body to a file and syncs it once, alternately.
func BenchmarkUpload(b *testing.B) {
	program := startProgram(b, "WORKERS=0")
	plain := startBare(b, "copy", "BENCH_DIR="+b.TempDir())
	token := program.player(b, "upload@example.com")
	clip := padded(b, makeClip(b, "1280x720", 5), hundred)
	var ratios, ours []float64
	for b.Loop() { // runs once with -benchtime 1x
		for range rounds {
			begin := time.Now()
			program.upload(b, token, clip)
			mine := time.Since(begin)
			begin = time.Now()
			f := newForm(b, clip)
			plain.do(b, http.MethodPost, "", "/", f.contentType, f, nil)
			_ = f.file.Close()
			ratios = append(ratios, time.Since(begin).Seconds()/mine.Seconds())
			ours = append(ours, hundred/(1<<20)/mine.Seconds())
		}
	}
	b.ReportMetric(median(ratios), "of-bare")
	b.ReportMetric(median(ours), "MiB/s")
}

// BenchmarkUploadMemory sends ten concurrent uploads of 100 MiB and reports the growth of the program's peak memory.
func BenchmarkUploadMemory(b *testing.B) {
	program := startProgram(b, "WORKERS=0")
	clip := padded(b, makeClip(b, "1280x720", 5), hundred)
	tokens := make([]string, 10)
	for i := range tokens {
		tokens[i] = program.player(b, fmt.Sprintf("memory%d@example.com", i))
	}
	before := program.memory(b, "VmHWM")
	for b.Loop() { // runs once with -benchtime 1x
		var group sync.WaitGroup
		for _, token := range tokens {
			group.Go(func() { program.upload(b, token, clip) })
		}
		group.Wait()
	}
	b.ReportMetric(float64(program.memory(b, "VmHWM")-before)/(1<<20), "MiB-more")
}

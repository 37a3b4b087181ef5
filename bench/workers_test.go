package bench

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkWorkers processes a batch of clips, 10 s of 1080p each, with one, two and four workers.
func BenchmarkWorkers(b *testing.B) {
	const batch = 8
	clip := makeClip(b, "1920x1080", 10)
	for _, workers := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			var took time.Duration
			for b.Loop() { // runs once with -benchtime 1x
				dir := b.TempDir()
				closed := startProgram(b, "WORKERS=0", "DATA_DIR="+dir)
				token := closed.player(b, "workers@example.com")
				var ids []int64
				for range batch {
					ids = append(ids, closed.upload(b, token, clip))
				}
				closed.stop(b)
				begin := time.Now()
				open := startProgram(b, fmt.Sprintf("WORKERS=%d", workers), "DATA_DIR="+dir)
				for _, id := range ids {
					open.waitFor(b, token, id, "processed")
				}
				took = time.Since(begin)
				open.stop(b)
			}
			b.ReportMetric(batch/took.Minutes(), "videos/min")
		})
	}
}

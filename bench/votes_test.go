package bench

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkVotes casts and withdraws votes over HTTP: sixteen concurrent voters, fifty videos.
func BenchmarkVotes(b *testing.B) {
	const people = 16
	program := startProgram(b, "WORKERS=2", "LOG_LEVEL=warn")
	const videos = 50
	fillContest(b, program, videos)
	tokens := make([]string, people)
	for i := range tokens {
		tokens[i] = program.player(b, fmt.Sprintf("voter%d@example.com", i))
	}
	var given atomic.Int64
	for b.Loop() { // runs once with -benchtime 1x
		var group sync.WaitGroup
		for _, token := range tokens {
			group.Go(func() {
				for range 10 {
					for id := 1; id <= videos; id++ {
						program.post(b, token, fmt.Sprintf("/api/public/videos/%d/vote", id), nil, nil)
						given.Add(1)
					}
					for id := 1; id <= videos; id++ {
						program.do(b, "DELETE", token, fmt.Sprintf("/api/public/videos/%d/vote", id), "", nil, nil)
						given.Add(1)
					}
				}
			})
		}
		group.Wait()
	}
	b.ReportMetric(float64(given.Load())/b.Elapsed().Seconds(), "changes/s")
}

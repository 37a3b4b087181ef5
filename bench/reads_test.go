package bench

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"risingstars/bench/bare"
)

const (
	connections = 16
	round       = 2 * time.Second
	rounds      = 5
)

// BenchmarkReads compares the public reads with a handler that returns the same bytes, in alternating rounds.
func BenchmarkReads(b *testing.B) {
	program := startProgram(b, "WORKERS=2")
	fillContest(b, program, 50)
	for _, path := range []string{"/api/public/rankings", "/api/public/videos"} {
		b.Run(strings.TrimPrefix(path, "/api/public/"), func(b *testing.B) {
			body := save(b, program.url+path)
			plain := startBare(b, "bytes", "BENCH_BODY="+body)
			var ratios, ours []float64
			for b.Loop() { // runs once with -benchtime 1x
				for range rounds {
					mine := requestsPerSecond(b, program, path)
					ours = append(ours, mine)
					ratios = append(ratios, mine/requestsPerSecond(b, plain, path))
				}
			}
			b.ReportMetric(median(ratios), "of-bare")
			b.ReportMetric(median(ours), "requests/s")
		})
	}
}

// fillContest makes n players, each with a public video.
func fillContest(b *testing.B, p *process, n int) {
	b.Helper()
	clip := makeClip(b, "64x36", 1)
	tokens, ids := make([]string, n), make([]int64, n)
	for i := range n {
		tokens[i] = p.player(b, fmt.Sprintf("reads%d@example.com", i))
		ids[i] = p.upload(b, tokens[i], clip)
	}
	for i, id := range ids {
		p.waitFor(b, tokens[i], id, "processed")
		p.post(b, tokens[i], fmt.Sprintf("/api/videos/%d/publish", id), nil, nil)
	}
}

func save(b *testing.B, url string) string {
	b.Helper()
	response, err := client.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "body")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// requestsPerSecond sends requests on several connections for one round. The client reads as little as possible, so
// that the server is the bottleneck.
func requestsPerSecond(b *testing.B, p *process, path string) float64 {
	b.Helper()
	host := strings.TrimPrefix(p.url, "http://")
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host)
	var count atomic.Int64
	var group sync.WaitGroup
	begin := time.Now()
	for range connections {
		group.Go(func() {
			conn, err := net.Dial("tcp", host)
			if err != nil {
				b.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			n, err := bare.Ask(conn, begin.Add(round), func() []byte { return request })
			if err != nil {
				b.Error(err)
			}
			count.Add(n)
		})
	}
	group.Wait()
	return float64(count.Load()) / time.Since(begin).Seconds()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

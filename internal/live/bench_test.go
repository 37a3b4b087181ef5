package live

import (
	"context"
	"testing"

	"risingstars/internal/contest"
	"risingstars/internal/testserver"
)

// page is as long as a page of the ranking.
func page(context.Context) ([]byte, error) { return make([]byte, 8<<10), nil }

// BenchmarkFetchInProcess is an answer that the process has itself.
func BenchmarkFetchInProcess(b *testing.B) {
	l := NewLocal(newClock().now)
	for b.Loop() {
		if _, err := l.Fetch(b.Context(), contest.VotesChanged, "a", page); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFetchFromRedis is an answer that another process has made.
func BenchmarkFetchFromRedis(b *testing.B) {
	r, _ := open(b, testserver.Redis(b).URL, testserver.Patience)
	loads := 0
	for b.Loop() {
		r.local.forgetAll()
		if _, err := r.Fetch(b.Context(), contest.VotesChanged, "a", func(ctx context.Context) ([]byte, error) {
			loads++ // about once a second, when the answer in Redis is too old
			return page(ctx)
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(loads)/float64(b.N), "loads/op")
}

// BenchmarkTakeInRedis is a limit that processes share.
func BenchmarkTakeInRedis(b *testing.B) {
	r, _ := open(b, testserver.Redis(b).URL, testserver.Patience)
	for b.Loop() {
		r.Take(b.Context(), rule, "ana")
	}
}

package live

import (
	"context"
	"testing"

	"risingstars/internal/contest"
	"risingstars/internal/testserver"
)

// page returns as many bytes as a page of the ranking has.
func page(context.Context) ([]byte, error) { return make([]byte, 8<<10), nil }

// BenchmarkFetchInProcess measures a hit in the process's own cache.
func BenchmarkFetchInProcess(b *testing.B) {
	l := NewLocal(newClock().now)
	for b.Loop() {
		if _, err := l.Fetch(b.Context(), contest.VotesChanged, "a", page); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFetchFromRedis measures a hit in Redis, loaded by another process.
func BenchmarkFetchFromRedis(b *testing.B) {
	r, _ := open(b, testserver.Redis(b).URL, testserver.Patience)
	loads := 0
	for b.Loop() {
		r.local.forgetAll()
		if _, err := r.Fetch(b.Context(), contest.VotesChanged, "a", func(ctx context.Context) ([]byte, error) {
			loads++ // about once a second, when the answer in Redis expires
			return page(ctx)
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(loads)/float64(b.N), "loads/op")
}

// BenchmarkTakeInRedis measures a rate limit that processes share.
func BenchmarkTakeInRedis(b *testing.B) {
	r, _ := open(b, testserver.Redis(b).URL, testserver.Patience)
	for b.Loop() {
		r.Take(b.Context(), rule, "ana")
	}
}

package live

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"
)

// lastKnown is the maximum age of an answer that is returned while the database is unavailable (stale-if-error).
const lastKnown = 10 * time.Minute

// Age is the age in seconds of the oldest answer that Fetch returned in a context because the database was
// unavailable.
type Age struct{ atomic.Int64 }

type ageKey struct{}

// WithAge returns a context in which Fetch records the age of the answers that it returns while the database is
// unavailable.
func WithAge(ctx context.Context) (context.Context, *Age) {
	age := &Age{}
	return context.WithValue(ctx, ageKey{}, age), age
}

// Header returns the value of the Age header (RFC 9111 section 5.1) in seconds, or "" if every answer was current.
func (a *Age) Header() string {
	if n := a.Load(); n > 0 {
		return strconv.FormatInt(n, 10)
	}
	return ""
}

// noteAge records an answer's age in the context's Age, rounded down to seconds and at least 1. It keeps the maximum.
func noteAge(ctx context.Context, age time.Duration) {
	noted, ok := ctx.Value(ageKey{}).(*Age)
	if !ok {
		return
	}
	seconds := max(1, int64(age/time.Second))
	for {
		before := noted.Load()
		if before >= seconds || noted.CompareAndSwap(before, seconds) {
			return
		}
	}
}

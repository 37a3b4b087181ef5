package live

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"
)

// lastKnown is how old an answer may be that is given while the database is unavailable (stale-if-error).
const lastKnown = 10 * time.Minute

// Age is how old the oldest answer is that was given in a context for want of the database.
type Age struct{ atomic.Int64 }

type ageKey struct{}

// WithAge returns a context in which Fetch notes the age of what it gives while the database is away.
func WithAge(ctx context.Context) (context.Context, *Age) {
	age := &Age{}
	return context.WithValue(ctx, ageKey{}, age), age
}

// Header is the value of the header Age (RFC 9111 section 5.1), in seconds; "" for answers that are as they should be.
func (a *Age) Header() string {
	if n := a.Load(); n > 0 {
		return strconv.FormatInt(n, 10)
	}
	return ""
}

// noteAge tells the context's Age of an answer, which is then a second old at least.
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

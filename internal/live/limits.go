package live

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Rule bounds how often something may be done: Burst times at once, and once more every Every.
type Rule struct {
	Name  string
	Burst int
	Every time.Duration
}

// limitedKeys bounds the memory of the limits. Beyond it, whoever has been quiet longest starts afresh.
const limitedKeys = 100_000

// limits counts by the generic cell rate algorithm (ITU-T I.371): for each key the time at which it would be idle
// again if it kept to the rule.
type limits struct {
	now  func() time.Time
	mu   sync.Mutex
	idle *simplelru.LRU[string, time.Time]
}

func newLimits(now func() time.Time) *limits {
	idle, err := simplelru.NewLRU[string, time.Time](limitedKeys, nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &limits{now: now, idle: idle}
}

// Take counts one doing by key. It returns 0, or how long to wait where the rule does not allow it; a doing that is
// not allowed does not count.
func (l *limits) Take(ctx context.Context, rule Rule, key string) time.Duration {
	return l.check(ctx, rule, key, 1)
}

// Wait tells how long key has to wait before it may do it again, without counting anything.
func (l *limits) Wait(ctx context.Context, rule Rule, key string) time.Duration {
	return l.check(ctx, rule, key, 0)
}

func (l *limits) check(_ context.Context, rule Rule, key string, n int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	key = hashed(rule.Name, key)
	idle, ok := l.idle.Get(key)
	if !ok || idle.Before(now) {
		idle = now
	}
	// One more fits if, after it, the backlog is not longer than the burst.
	if over := idle.Sub(now) + rule.Every - time.Duration(rule.Burst)*rule.Every; over > 0 {
		return over
	}
	if n > 0 {
		l.idle.Add(key, idle.Add(rule.Every))
	}
	return 0
}

// Unlimited is for load tests: it allows everything.
type Unlimited struct{}

// Take allows it.
func (Unlimited) Take(context.Context, Rule, string) time.Duration { return 0 }

// Wait allows it.
func (Unlimited) Wait(context.Context, Rule, string) time.Duration { return 0 }

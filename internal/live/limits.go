package live

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Rule is a rate limit: a burst of Burst uses, then one more per Every.
//
// If Most is set, the limit is an exponential backoff: after the burst the waits are Every, then twice as long each,
// up to Most. Without a use for as long as Most, the burst is available again.
type Rule struct {
	Name  string
	Burst int
	Every time.Duration // at most an hour if Most is set
	Most  time.Duration
}

// limitedKeys bounds the memory of the limits. Above it, the least recently used key is evicted and starts with a
// full burst.
const limitedKeys = 100_000

// count is the state of a key. For a rate, idle is the theoretical arrival time of the generic cell rate algorithm
// (ITU-T I.371). For a backoff, idle is the time before which nothing is allowed, and done counts the uses.
type count struct {
	idle time.Time
	done int
}

// limits keeps rate limits and semaphores within one process.
type limits struct {
	now    func() time.Time
	mu     sync.Mutex
	counts *simplelru.LRU[string, count]
	held   map[string]int
}

func newLimits(now func() time.Time) *limits {
	counts, err := simplelru.NewLRU[string, count](limitedKeys, nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &limits{now: now, counts: counts, held: map[string]int{}}
}

// Take allows one use by key, and counts it, or returns after how long to retry. A use that is not allowed does not count.
func (l *limits) Take(_ context.Context, rule Rule, key string) time.Duration {
	return l.change(rule, key, func(c count, now time.Time) (count, time.Duration) { return rule.one(c, now) })
}

// Wait peeks: it is Take without counting.
func (l *limits) Wait(_ context.Context, rule Rule, key string) time.Duration {
	return l.change(rule, key, func(c count, now time.Time) (count, time.Duration) {
		_, wait := rule.one(c, now)
		return c, wait
	})
}

// Give refunds one use that was counted, and with it the wait that followed.
func (l *limits) Give(_ context.Context, rule Rule, key string) {
	l.change(rule, key, func(c count, now time.Time) (count, time.Duration) { return rule.less(c, now), 0 })
}

func (l *limits) change(rule Rule, key string, do func(count, time.Time) (count, time.Duration)) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	key = hashed(rule.Name, key)
	before, _ := l.counts.Get(key)
	after, wait := do(before, now)
	if after != before {
		l.counts.Add(key, after)
	}
	return wait
}

// one returns the count after one more use, or how long to wait before that use is allowed.
func (r Rule) one(c count, now time.Time) (count, time.Duration) {
	if r.Most > 0 {
		return r.growing(c, now)
	}
	if c.idle.Before(now) {
		c.idle = now
	}
	// One more use is allowed if the backlog after it is not longer than the burst.
	if over := c.idle.Sub(now) + r.Every - time.Duration(r.Burst)*r.Every; over > 0 {
		return c, over
	}
	return count{idle: c.idle.Add(r.Every)}, 0
}

func (r Rule) growing(c count, now time.Time) (count, time.Duration) {
	if wait := c.idle.Sub(now); wait > 0 {
		return c, wait
	}
	if now.Sub(c.idle) >= r.Most {
		c.done = 0
	}
	c.done++
	c.idle = now
	if over := c.done - r.Burst; over >= 0 {
		c.idle = now.Add(min(r.Every<<min(over, 20), r.Most))
	}
	return c, 0
}

// less returns the count after the refund of one use.
func (r Rule) less(c count, now time.Time) count {
	if r.Most > 0 {
		return count{idle: now, done: max(0, c.done-1)}
	}
	return count{idle: c.idle.Add(-r.Every)}
}

// Hold acquires a slot of a semaphore by name and key, of which there are most, for something that takes long, such as an
// upload. It reports whether there was one; then the caller calls release once.
func (l *limits) Hold(_ context.Context, name, key string, most int) (release func(), ok bool) {
	key = hashed(name, key)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[key] >= most {
		return nil, false
	}
	l.held[key]++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.held[key]--; l.held[key] <= 0 {
			delete(l.held, key)
		}
	}, true
}

// Unlimited allows everything. It is for load tests.
type Unlimited struct{}

// Take allows every use.
func (Unlimited) Take(context.Context, Rule, string) time.Duration { return 0 }

// Wait returns 0.
func (Unlimited) Wait(context.Context, Rule, string) time.Duration { return 0 }

// Give does nothing.
func (Unlimited) Give(context.Context, Rule, string) {}

// Hold always acquires.
func (Unlimited) Hold(context.Context, string, string, int) (release func(), ok bool) {
	return func() {}, true
}

package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

	"risingstars/internal/contest"
)

const (
	cachedAnswers = 512             // of at most a few tens of kilobytes each
	maxAge        = 1 * time.Second // an older answer is loaded again, because another program may have written to the database
	renewing      = 5 * time.Second // maximum age of an expired answer while one caller loads it again
	loadTimeout   = 10 * time.Second
)

// cache keeps encoded answers until an invalidation of their topic, or for about a second. Each topic has a cache
// version (era), which InvalidateCache increments; an answer loaded under an earlier version is not returned any
// more. Concurrent callers for the same answer are coalesced (singleflight). An expired answer of the current version
// is stale-while-revalidate: one caller loads it again, the others get the old one. The last answer is kept for
// stale-if-error, while the database is unavailable.
type cache struct {
	now     func() time.Time
	flight  singleflight.Group
	lookups lookups

	mu      sync.Mutex
	answers *simplelru.LRU[string, answer]
	making  map[string]bool          // by key: a caller is loading the answer
	era     map[contest.Topic]uint64 // how often each topic was invalidated
	eras    uint64                   // how often all topics were invalidated
}

type answer struct {
	bytes []byte
	era   uint64
	at    time.Time
}

func newCache(now func() time.Time) *cache {
	answers, err := simplelru.NewLRU[string, answer](cachedAnswers, nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &cache{now: now, lookups: newLookups(), answers: answers, making: map[string]bool{}, era: map[contest.Topic]uint64{}}
}

// lookups counts answers by source. A caller that was coalesced with another caller's load counts as served by this
// process.
type lookups struct {
	all                  *prometheus.CounterVec
	process, redis, made prometheus.Counter
}

func newLookups() lookups {
	all := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "risingstars_cache_lookups_total",
		Help: "Answers that were asked for, by where they came from: this process, Redis, or made anew.",
	}, []string{"from"})
	return lookups{all, all.WithLabelValues("process"), all.WithLabelValues("redis"), all.WithLabelValues("made")}
}

// Lookups returns the counter of lookups, for registration.
func (c *cache) Lookups() prometheus.Collector { return c.lookups.all }

// InvalidateCache implements [contest.Live]. It invalidates the cached answers of a topic: requests from now on get
// what was committed before now.
func (c *cache) InvalidateCache(_ context.Context, topic contest.Topic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.era[topic]++
}

// Fetch returns the answer for the key, which must be unique within the topic, or loads it. Concurrent callers share
// one load; an answer whose load began before an invalidation is not returned to callers that ask after it. The
// caller must not change the bytes. An error of load is returned to all waiting callers and is not cached. If it is
// contest.ErrUnavailable, Fetch returns the last known answer instead, unless that is older than ten minutes.
func (c *cache) Fetch(ctx context.Context, topic contest.Topic, key string,
	load func(context.Context) ([]byte, error),
) ([]byte, error) {
	return c.fetch(ctx, topic, key, func(ctx context.Context) ([]byte, time.Duration, error) {
		c.lookups.made.Inc()
		bytes, err := load(ctx)
		return bytes, 0, err
	})
}

// fetch is Fetch with a load that also returns the age of its answer.
func (c *cache) fetch(ctx context.Context, topic contest.Topic, key string,
	load func(context.Context) ([]byte, time.Duration, error),
) ([]byte, error) {
	key = string(topic) + " " + key
	kept, era, ok := c.get(topic, key)
	if ok {
		c.lookups.process.Inc()
		return kept, nil
	}
	ours := false
	made, err, _ := c.flight.Do(fmt.Sprintf("%d %s", era, key), func() (any, error) {
		if kept, now, ok := c.get(topic, key); ok && now == era { // another flight has ended since
			return kept, nil
		}
		ours = true
		c.mark(key, true)
		defer c.mark(key, false)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout) // detached: other callers wait for it too
		defer cancel()
		bytes, age, err := load(ctx)
		if err == nil {
			c.put(key, answer{bytes, era, c.now().Add(-age)})
		}
		return bytes, err
	})
	if !ours {
		c.lookups.process.Inc()
	}
	if errors.Is(err, contest.ErrUnavailable) {
		if last, age, ok := c.last(key); ok {
			noteAge(ctx, age)
			return last, nil
		}
	}
	bytes, _ := made.([]byte)
	return bytes, err
}

// forgetAll invalidates every topic, after invalidations may have been missed.
func (c *cache) forgetAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.eras++
}

func (c *cache) get(topic contest.Topic, key string) (bytes []byte, era uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	era = c.era[topic] + c.eras
	a, ok := c.answers.Get(key)
	age := c.now().Sub(a.at)
	if !ok || a.era != era || age > maxAge && !(c.making[key] && age <= renewing) {
		return nil, era, false
	}
	return a.bytes, era, true
}

// mark records whether a caller is loading the answer.
func (c *cache) mark(key string, making bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if making {
		c.making[key] = true
	} else {
		delete(c.making, key)
	}
}

// last returns the latest answer, even if it was invalidated, and its age. It returns ok = false if the answer is
// older than lastKnown.
func (c *cache) last(key string) (bytes []byte, age time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.answers.Get(key)
	age = c.now().Sub(a.at)
	if !ok || age > lastKnown {
		return nil, 0, false
	}
	return a.bytes, age, true
}

func (c *cache) put(key string, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.answers.Peek(key); !ok || old.era <= a.era {
		c.answers.Add(key, a)
	}
}

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
	maxAge        = 1 * time.Second // after which an answer is made again: another program may have written to the database
	renewing      = 5 * time.Second // how old an answer may be that is being made again only for its age
	loadTimeout   = 10 * time.Second
)

// cache keeps encoded answers until an invalidation of their topic, or for about a second. Each topic has a cache version (era),
// which Forget increments; an answer made under an earlier version is not given any more. Callers who want the same answer at
// once are coalesced (singleflight). An answer that is only old is stale-while-revalidate: one caller makes it again, the
// others get the old one. The last answer is kept for stale-if-error, while the database is unavailable.
type cache struct {
	now     func() time.Time
	flight  singleflight.Group
	lookups lookups

	mu      sync.Mutex
	answers *simplelru.LRU[string, answer]
	making  map[string]bool          // by key: somebody makes the answer
	era     map[contest.Topic]uint64 // how often each topic was forgotten
	eras    uint64                   // how often all were
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

// lookups counts answers by where they came from. Who waits for one that somebody else has made has it from this process.
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

// Lookups counts the answers that were asked for.
func (c *cache) Lookups() prometheus.Collector { return c.lookups.all }

// InvalidateCache implements [contest.Live]. It invalidates the cached answers of a topic: requests from now on are answered from what
// was committed before now.
func (c *cache) InvalidateCache(_ context.Context, topic contest.Topic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.era[topic]++
}

// Fetch returns the answer under the key, which must belong to the topic alone, or has it made by load. However many
// ask at once, load runs once; an answer whose making began before a Forget is not given to those who ask after it.
// The caller must not change the bytes. An error of load is returned to all who wait, and not kept; where it is
// contest.ErrUnavailable, the last answer that there was is given instead, if it is not older than ten minutes.
func (c *cache) Fetch(ctx context.Context, topic contest.Topic, key string,
	load func(context.Context) ([]byte, error),
) ([]byte, error) {
	return c.fetch(ctx, topic, key, func(ctx context.Context) ([]byte, time.Duration, error) {
		c.lookups.made.Inc()
		bytes, err := load(ctx)
		return bytes, 0, err
	})
}

// fetch has an answer made by a load that also tells how old it is by then.
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
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout) // others wait for it too
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

// forgetAll is for when it is not known what was to be forgotten.
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

// mark notes that somebody makes an answer, or no longer does.
func (c *cache) mark(key string, making bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if making {
		c.making[key] = true
	} else {
		delete(c.making, key)
	}
}

// last is the latest answer, be it forgotten, and its age.
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

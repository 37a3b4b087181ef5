package live

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"risingstars/internal/contest"
)

// The cache version (era) of a topic in Redis is a random text, which each invalidation replaces. An answer in Redis
// begins with the version that it was loaded under and is valid under no other. A counter would start again after a
// flush; a random text never repeats.
func eraKey(topic contest.Topic) string { return prefix + "era:" + string(topic) }

// InvalidateCache implements [contest.Live]. Later requests to this process get what was committed before now. The
// other processes invalidate when they receive the message; if it is lost, their answers expire after a second, or
// after five at most.
//
// Redis is invalidated first: an answer read from Redis under the old version must not be cached under this process's
// new version. During many concurrent votes the calls for one topic are coalesced.
func (r *Redis) InvalidateCache(ctx context.Context, topic contest.Topic) {
	r.mu.Lock()
	f := r.forgets[topic]
	if f == nil {
		f = &sharing{}
		r.forgets[topic] = f
	}
	r.mu.Unlock()
	f.do(func() { r.forget(context.WithoutCancel(ctx), topic) })
}

func (r *Redis) forget(ctx context.Context, topic contest.Topic) {
	told := r.link.try(ctx, "forget", func(ctx context.Context, c *redis.Client) error {
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, eraKey(topic), rand.Text(), 0)
			return r.publish(ctx, p, message{Forget: topic})
		})
		return err
	})
	if !told {
		r.mu.Lock()
		r.owed[topic]++
		r.mu.Unlock()
	}
	r.local.InvalidateCache(ctx, topic)
}

// Fetch is like Fetch of [Local], and shares the answers with the other processes through Redis.
func (r *Redis) Fetch(ctx context.Context, topic contest.Topic, key string,
	load func(context.Context) ([]byte, error),
) ([]byte, error) {
	return r.local.fetch(ctx, topic, key, func(ctx context.Context) ([]byte, time.Duration, error) {
		place := prefix + "answer:" + hashed(string(topic), key)
		era, kept, age, ok := r.take(ctx, topic, place)
		if ok && kept != nil {
			r.local.lookups.redis.Inc()
			return kept, age, nil
		}
		r.local.lookups.made.Inc()
		made, err := load(ctx)
		if err == nil && ok {
			r.link.try(ctx, "cache_put", func(ctx context.Context, c *redis.Client) error {
				return c.Set(ctx, place, era+" "+string(made), maxAge).Err()
			})
		}
		return made, 0, err
	})
}

// take reads the topic's cache version and the answer stored under it, with the answer's age. The answer is nil if
// there is none; ok is false if Redis is unavailable.
func (r *Redis) take(ctx context.Context, topic contest.Topic, place string) (era string, kept []byte, age time.Duration, ok bool) {
	r.mu.Lock()
	owed := r.owed[topic]
	r.mu.Unlock()
	ok = r.link.try(ctx, "cache_get", func(ctx context.Context, c *redis.Client) error {
		if owed > 0 { // an invalidation did not reach Redis, so the stored answer may be stale
			era = rand.Text()
			_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
				p.Set(ctx, eraKey(topic), era, 0)
				return r.publish(ctx, p, message{Forget: topic})
			})
			return err
		}
		var now, answer *redis.StringCmd
		var left *redis.DurationCmd
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.SetNX(ctx, eraKey(topic), rand.Text(), 0)
			now, answer, left = p.Get(ctx, eraKey(topic)), p.Get(ctx, place), p.PTTL(ctx, place)
			return nil
		})
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		era = now.Val()
		if text, found := strings.CutPrefix(answer.Val(), era+" "); found && era != "" && left.Val() > 0 {
			kept, age = []byte(text), maxAge-left.Val()
		}
		return nil
	})
	if ok && owed > 0 {
		r.mu.Lock()
		r.owed[topic] -= min(owed, r.owed[topic])
		r.mu.Unlock()
	}
	return era, kept, age, ok
}

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

// The cache version (era) of a topic in Redis is a random text, which each invalidation replaces. An answer in Redis begins with
// the version that it was made under and is valid under no other. A counter would start again after a flush; a random text
// never comes back.
func eraKey(topic contest.Topic) string { return prefix + "era:" + string(topic) }

// InvalidateCache implements [contest.Live]: whoever asks this process from now on is answered from what was committed before
// now, and the other processes as soon as they hear of it, at the latest when they have made the answer again for its
// age: after a second, and five at most.
//
// Redis goes first: an answer taken from it under the old era must not be kept under the new one of this process. In a storm
// of votes, those that come while one is told to Redis share the next telling.
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

// Fetch is as [Local]'s, and shares the answers with the other processes.
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

// take reads the topic's era and the answer made in it, if there is one, with its age.
func (r *Redis) take(ctx context.Context, topic contest.Topic, place string) (era string, kept []byte, age time.Duration, ok bool) {
	r.mu.Lock()
	owed := r.owed[topic]
	r.mu.Unlock()
	ok = r.link.try(ctx, "cache_get", func(ctx context.Context, c *redis.Client) error {
		if owed > 0 { // what Redis has may be from before a Forget
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

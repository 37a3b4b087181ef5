package live

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// OldestRedis is the oldest version, by its first number, that the platform is meant for.
const OldestRedis = 7

// RedisReport is what a look at a Redis found out.
type RedisReport struct {
	Version string        // "" if Redis does not tell it
	Took    time.Duration // the fastest of a few tries, there and back
}

// lookTimeout is how long a look waits for Redis. It is more than the platform waits, so that a look can tell a slow Redis
// from one that is not there.
const lookTimeout = 10 * time.Second

// LookAtRedis tries a Redis as the platform uses it. One that never answers within the platform's time limit is an error,
// one that is late once is not. Its errors do not have the URL.
func LookAtRedis(ctx context.Context, url string) (r RedisReport, err error) {
	o, err := redisOptions(url, lookTimeout)
	if err != nil {
		return r, err
	}
	client := redis.NewClient(o)
	defer func() { _ = client.Close() }() // what was asked is answered
	for range 5 {
		began := time.Now()
		if err := probe(ctx, client); err != nil {
			return r, fmt.Errorf("use Redis: %w", err)
		}
		if took := time.Since(began); r.Took == 0 || took < r.Took {
			r.Took = took
		}
	}
	if r.Took > redisTimeout {
		return r, fmt.Errorf("use Redis: it answers in %s at best, and the platform waits %s", r.Took.Round(time.Millisecond), redisTimeout)
	}
	info, err := client.Info(ctx, "server").Result()
	if err != nil {
		return r, nil // a user of Redis need not have this right, and the platform does not use it
	}
	for line := range strings.Lines(info) {
		if version, found := strings.CutPrefix(line, "redis_version:"); found {
			r.Version = strings.TrimSpace(version)
		}
	}
	return r, nil
}

// Old reports whether the version is known to be older than OldestRedis.
func (r RedisReport) Old() bool {
	first, _, _ := strings.Cut(r.Version, ".")
	n, err := strconv.Atoi(first)
	return err == nil && n < OldestRedis
}

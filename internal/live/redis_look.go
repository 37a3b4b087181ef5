package live

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// OldestRedis is the oldest supported major version.
const OldestRedis = 7

// RedisReport is the result of LookAtRedis.
type RedisReport struct {
	Version string        // "" if the user lacks the right to INFO
	Took    time.Duration // round trip time, the minimum of five probes
}

// lookTimeout bounds each command of LookAtRedis. It is longer than the platform's own timeout, so that the report
// can tell a slow Redis from an unreachable one.
const lookTimeout = 10 * time.Second

// LookAtRedis probes a Redis five times with the commands that the platform uses. It fails if no probe finishes
// within the platform's timeout; one slow probe is not an error. Its errors do not contain the URL.
func LookAtRedis(ctx context.Context, url string) (r RedisReport, err error) {
	o, err := redisOptions(url, lookTimeout)
	if err != nil {
		return r, err
	}
	client := redis.NewClient(o)
	defer func() { _ = client.Close() }() // nothing was written that Close could lose
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
		return r, nil // the ACL user may lack the right to INFO, which the platform does not need
	}
	for line := range strings.Lines(info) {
		if version, found := strings.CutPrefix(line, "redis_version:"); found {
			r.Version = strings.TrimSpace(version)
		}
	}
	return r, nil
}

// Old reports whether the version is known and older than OldestRedis.
func (r RedisReport) Old() bool {
	first, _, _ := strings.Cut(r.Version, ".")
	n, err := strconv.Atoi(first)
	return err == nil && n < OldestRedis
}

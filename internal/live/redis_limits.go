package live

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// rate is the algorithm of limits, by the clock of Redis, in microseconds. A clock that was set back makes nobody wait
// longer than the rule can.
const rate = `
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local every, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local idle = tonumber(redis.call('GET', KEYS[1]) or now)
idle = math.min(math.max(idle, now), now + burst * every)
local over = idle - now + every - burst * every
if over > 0 then return over end
if ARGV[3] == '1' then
  redis.call('SET', KEYS[1], string.format('%.0f', idle + every), 'PX', math.ceil((idle + every - now) / 1000))
end
return 0`

// Take counts one doing by key in all processes. It returns 0, or how long to wait where the rule does not allow it; a
// doing that is not allowed does not count. Rules are kept to the microsecond.
func (r *Redis) Take(ctx context.Context, rule Rule, key string) time.Duration {
	if wait, ok := r.rate(ctx, rule, key, 1); ok {
		return wait
	}
	return r.local.Take(ctx, rule, key)
}

// Wait tells how long key has to wait before it may do it again, without counting anything.
func (r *Redis) Wait(ctx context.Context, rule Rule, key string) time.Duration {
	if wait, ok := r.rate(ctx, rule, key, 0); ok {
		return wait
	}
	return r.local.Wait(ctx, rule, key)
}

func (r *Redis) rate(ctx context.Context, rule Rule, key string, n int) (wait time.Duration, ok bool) {
	ok = r.link.try(ctx, "limit", func(ctx context.Context, c *redis.Client) error {
		micros, err := redis.NewScript(rate).Run(ctx, c, []string{prefix + "limit:" + hashed(rule.Name, key)},
			max(1, rule.Every.Microseconds()), rule.Burst, n).Int64()
		wait = time.Duration(micros) * time.Microsecond
		return err
	})
	return wait, ok
}

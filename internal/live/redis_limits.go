package live

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/redis/go-redis/v9"
)

// rate is the Lua script of the rate limits. It uses the clock of Redis, in microseconds. It caps the stored time, so
// a clock that was set back makes no caller wait longer than the rule allows. ARGV: every, burst, uses to add (1, 0
// or -1), most.
const rate = `
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local every, burst, n, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local idle, done = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) ?(%d*)$')
idle, done = tonumber(idle) or now, tonumber(done) or 0
local function keep(idle, done, life)
  redis.call('SET', KEYS[1], string.format('%.0f %d', idle, done), 'PX', math.ceil(math.max(life, 1) / 1000))
end
if most > 0 then
  idle = math.min(idle, now + most)
  if n < 0 then keep(now, math.max(done - 1, 0), most) return 0 end
  if idle > now then return idle - now end
  if now - idle >= most then done = 0 end
  if n > 0 then
    done, idle = done + 1, now
    if done >= burst then idle = now + math.min(every * 2 ^ (done - burst), most) end
    keep(idle, done, idle - now + most)
  end
  return 0
end
idle = math.min(math.max(idle, now), now + burst * every)
if n < 0 then keep(math.max(idle - every, now), 0, idle - every - now) return 0 end
local over = idle - now + every - burst * every
if over > 0 then return over end
if n > 0 then keep(idle + every, 0, idle + every - now) end
return 0`

// Take allows and counts one use by key across all processes, or returns after how long to retry. A use that is not
// allowed does not count. The resolution is a microsecond. While Redis is unavailable, the process applies the rule
// by itself.
func (r *Redis) Take(ctx context.Context, rule Rule, key string) time.Duration {
	if wait, ok := r.rate(ctx, rule, key, 1); ok {
		return wait
	}
	return r.local.Take(ctx, rule, key)
}

// Wait peeks: it returns how long key must wait before its next use, without counting one.
func (r *Redis) Wait(ctx context.Context, rule Rule, key string) time.Duration {
	if wait, ok := r.rate(ctx, rule, key, 0); ok {
		return wait
	}
	return r.local.Wait(ctx, rule, key)
}

// Give refunds one use that was counted, and with it the wait that followed.
func (r *Redis) Give(ctx context.Context, rule Rule, key string) {
	if _, ok := r.rate(ctx, rule, key, -1); !ok {
		r.local.Give(ctx, rule, key)
	}
}

func (r *Redis) rate(ctx context.Context, rule Rule, key string, n int) (wait time.Duration, ok bool) {
	ok = r.link.try(ctx, "limit", func(ctx context.Context, c *redis.Client) error {
		micros, err := redis.NewScript(rate).Run(ctx, c, []string{prefix + "limit:" + hashed(rule.Name, key)},
			max(1, rule.Every.Microseconds()), rule.Burst, n, rule.Most.Microseconds()).Int64()
		wait = time.Duration(micros) * time.Microsecond
		return err
	})
	return wait, ok
}

// leases is a semaphore whose slots are leases: each has a time at which it expires unless its process renews it, so a killed
// process gives its slots back. ARGV: the lease's name, how many slots there are, for how many milliseconds a lease counts.
const leases = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`

const (
	leaseLife  = 30 * time.Second // the slot of a killed process is free after this time
	leaseRenew = 10 * time.Second
	unbounded  = 1 << 30
)

// Hold acquires a slot of a semaphore that all processes share, of which there are most by name and key. It reports
// whether there was one; then the caller must call release once. A goroutine renews the lease until release. While
// Redis is unavailable, each process counts its own.
func (r *Redis) Hold(ctx context.Context, name, key string, most int) (release func(), ok bool) {
	here, ok := r.local.Hold(ctx, name, key, most)
	if !ok {
		return nil, false
	}
	lease, at := rand.Text(), prefix+"held:"+hashed(name, key)
	if !r.lease(ctx, at, lease, most) {
		here()
		return nil, false
	}
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan struct{})
	go func() { // ended by release
		defer close(stopped)
		for pause(renewing, leaseRenew) {
			r.lease(renewing, at, lease, unbounded)
		}
	}()
	return func() {
		stop()
		<-stopped
		r.link.try(ctx, "release", func(ctx context.Context, c *redis.Client) error { return c.ZRem(ctx, at, lease).Err() })
		here()
	}, true
}

// lease acquires or renews a lease and reports success. It also reports success if Redis is unavailable.
func (r *Redis) lease(ctx context.Context, at, lease string, most int) bool {
	room := int64(1)
	asked := r.link.try(ctx, "hold", func(ctx context.Context, c *redis.Client) (err error) {
		room, err = redis.NewScript(leases).Run(ctx, c, []string{at}, lease, most, leaseLife.Milliseconds()).Int64()
		return err
	})
	return !asked || room == 1
}

package app

import (
	"context"
	"fmt"
	"time"

	"risingstars/internal/config"
	"risingstars/internal/live"
)

// slowRedis is the round trip time above which users notice the delay: a request makes a few calls to Redis.
const slowRedis = 10 * time.Millisecond

func checkRedis(ctx context.Context, s *config.Settings) []finding {
	if s.RedisURL == "" {
		return nil
	}
	found, err := live.LookAtRedis(ctx, s.RedisURL)
	if err != nil {
		return []finding{{
			"redis", err.Error(),
			"start Redis, or mend REDIS_URL or the rights of its user; until then serve goes on, but shares nothing with other processes", true,
		}}
	}
	f := finding{part: "redis", is: fmt.Sprintf("version %s, answers in %s", found.Version, found.Took.Round(10*time.Microsecond))}
	switch {
	case found.Version == "":
		f.is = fmt.Sprintf("answers in %s", found.Took.Round(10*time.Microsecond))
		f.mend = "let the user run INFO, so that the version can be told"
	case found.Old():
		f.mend = fmt.Sprintf("use Redis %d or newer", live.OldestRedis)
	case found.Took > slowRedis:
		f.mend = "bring Redis nearer: requests wait for it"
	}
	return []finding{f}
}

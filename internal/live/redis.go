package live

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"risingstars/internal/contest"
)

// progressLife is how long the progress of a video that nobody announces any more is remembered.
const progressLife = 10 * time.Minute

// Redis shares between the processes that use the same Redis. While it is away, each goes on as [Local] does. It is
// safe for use by several goroutines.
type Redis struct {
	local   *Local
	link    *link
	channel string // a database number has no channels of its own
	origin  string // of this process's messages

	mu   sync.Mutex
	owed map[contest.Topic]uint64 // how many Forgets have not reached Redis

	forgets map[contest.Topic]*sharing // of a handful of topics

	stop  context.CancelFunc
	parts sync.WaitGroup
}

// NewRedis makes a twin on the Redis that the URL names. It goes on without one that does not answer; its only error is
// a wrong URL, or a file in it (rediss://…?ca=FILE) that holds no certificate. Whoever makes it calls Close in the end.
func NewRedis(ctx context.Context, url string, now func() time.Time, log *slog.Logger, metrics prometheus.Registerer) (*Redis, error) {
	return openRedis(ctx, url, redisTimeout, now, log, metrics)
}

func openRedis(ctx context.Context, url string, timeout time.Duration, now func() time.Time, log *slog.Logger,
	metrics prometheus.Registerer,
) (*Redis, error) {
	l, err := newLink(url, timeout, log, metrics)
	if err != nil {
		return nil, err
	}
	r := &Redis{
		local: NewLocal(now), link: l, channel: fmt.Sprintf("%s%d:news", prefix, l.db), origin: rand.Text(),
		owed: map[contest.Topic]uint64{}, forgets: map[contest.Topic]*sharing{},
	}
	metrics.MustRegister(r.local.Lookups())
	if err := probe(ctx, l.client); err != nil {
		l.fail("start", err)
	}
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx)) // until Close
	r.parts.Go(func() { l.mend(ctx) })
	r.parts.Go(func() { r.subscribe(ctx) })
	return r, nil
}

var _ contest.Live = (*Redis)(nil)

// Close ends what runs in the background, and the connections.
func (r *Redis) Close() error {
	r.stop()
	r.parts.Wait()
	return r.link.client.Close()
}

// message is what processes tell each other: an event, or a topic to forget.
type message struct {
	From   string         `json:"from"`
	Event  *contest.Event `json:"event,omitempty"`
	Forget contest.Topic  `json:"forget,omitempty"`
}

func (r *Redis) publish(ctx context.Context, p redis.Pipeliner, m message) error {
	m.From = r.origin
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	p.Publish(ctx, r.channel, text)
	return nil
}

// PublishEvent implements [contest.Live]. Watchers of this process do not wait for Redis.
func (r *Redis) PublishEvent(ctx context.Context, event contest.Event) {
	r.local.PublishEvent(ctx, event)
	r.link.try(ctx, "announce", func(ctx context.Context, c *redis.Client) error {
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			if event.Status == contest.Processing && !event.Deleted {
				p.Set(ctx, progressKey(event.VideoID), event.Progress, progressLife)
			} else {
				p.Del(ctx, progressKey(event.VideoID))
			}
			return r.publish(ctx, p, message{Event: &event})
		})
		return err
	})
}

func progressKey(videoID int64) string { return prefix + "progress:" + strconv.FormatInt(videoID, 10) }

// Progress is how far the processing of a video has come, in per cent, whichever process is at it; 0 if it is not being
// processed, or nothing is known.
func (r *Redis) Progress(ctx context.Context, videoID int64) int {
	percent := 0
	known := r.link.try(ctx, "progress", func(ctx context.Context, c *redis.Client) (err error) {
		percent, err = c.Get(ctx, progressKey(videoID)).Int()
		if errors.Is(err, redis.Nil) {
			return nil
		}
		return err
	})
	if known && percent > 0 {
		return percent
	}
	return r.local.Progress(ctx, videoID)
}

// Watch begins to follow a video. Whoever watches calls Close in the end.
func (r *Redis) Watch(ctx context.Context, videoID int64) *Watch { return r.local.Watch(ctx, videoID) }

// subscribe hears what the others tell, until ctx ends.
func (r *Redis) subscribe(ctx context.Context) {
	for {
		if err := r.listen(ctx); err != nil && ctx.Err() == nil {
			r.link.failures.WithLabelValues("subscribe").Inc()
		}
		if !pause(ctx, probeEvery) {
			return
		}
	}
}

// listenTimeout is how long a subscription may be silent before it is asked whether it is there.
const listenTimeout = 2 * time.Second

// listen returns when the subscription is lost.
func (r *Redis) listen(ctx context.Context) error {
	s := r.link.client.Subscribe(ctx, r.channel)
	defer func() { _ = s.Close() }()                         // lost, or not wanted any more
	defer context.AfterFunc(ctx, func() { _ = s.Close() })() // a read does not end with its context
	asked := false
	for ctx.Err() == nil {
		got, err := s.ReceiveTimeout(ctx, listenTimeout)
		var late net.Error
		if errors.As(err, &late) && late.Timeout() && !asked {
			if err = s.Ping(ctx); err == nil {
				asked = true
				continue
			}
		}
		if err != nil {
			return err
		}
		asked = false
		switch got := got.(type) {
		case *redis.Subscription: // messages before it may be lost
			r.local.forgetAll()
		case *redis.Message:
			r.hear(ctx, got.Payload)
		}
	}
	return ctx.Err()
}

func (r *Redis) hear(ctx context.Context, text string) {
	var m message
	if json.Unmarshal([]byte(text), &m) != nil || m.From == r.origin {
		return // of another version, or an echo
	}
	if m.Event != nil {
		r.local.pass(*m.Event)
	}
	if m.Forget != "" {
		r.local.InvalidateCache(ctx, m.Forget)
	}
}

// hashed makes a key of fixed length from what clients may have chosen.
func hashed(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d %s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

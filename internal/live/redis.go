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

// progressLife is the time to live of a video's progress in Redis, after the last event.
const progressLife = 10 * time.Minute

// Redis shares state between the processes that use the same Redis. While Redis is unavailable, each process
// continues with its own [Local]. It is safe for concurrent use.
type Redis struct {
	local   *Local
	link    *link
	channel string // contains the database number, because Redis channels do not belong to a database
	origin  string // identifies the messages of this process

	mu   sync.Mutex
	owed map[contest.Topic]uint64 // how many invalidations have not reached Redis

	forgets map[contest.Topic]*sharing // per topic, of which there are a few

	stop  context.CancelFunc
	parts sync.WaitGroup
}

// NewRedis connects to the Redis at the URL. An unavailable Redis is not an error: the circuit breaker trips. It
// fails only if the URL is invalid, or if the file that it names (rediss://…?ca=FILE) contains no certificate. The
// caller must call Close.
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
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx)) // canceled by Close
	r.parts.Go(func() { l.mend(ctx) })
	r.parts.Go(func() { r.subscribe(ctx) })
	return r, nil
}

var _ contest.Live = (*Redis)(nil)

// Close stops the goroutines and closes the connections.
func (r *Redis) Close() error {
	r.stop()
	r.parts.Wait()
	return r.link.client.Close()
}

// message is what processes send each other on the Redis channel: an event, or a topic to invalidate.
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

// PublishEvent implements [contest.Live]. Watchers in this process get the event before Redis is called.
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

// Progress returns the progress of a video's processing in per cent, in whichever process it runs, or 0 if the video
// is not being processed or its progress is unknown.
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

// Watch subscribes to a video. The caller must call Close.
func (r *Redis) Watch(ctx context.Context, videoID int64) *Watch { return r.local.Watch(ctx, videoID) }

// subscribe receives the messages of the other processes, and subscribes again after a failure, until ctx ends.
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

// listenTimeout is how long a subscription may receive nothing before it is checked with a PING.
const listenTimeout = 2 * time.Second

// listen receives messages until the subscription fails or ctx ends.
func (r *Redis) listen(ctx context.Context) error {
	s := r.link.client.Subscribe(ctx, r.channel)
	defer func() { _ = s.Close() }()                         // the connection has failed or is not needed any more
	defer context.AfterFunc(ctx, func() { _ = s.Close() })() // closing is necessary because a blocked read does not observe ctx
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
		case *redis.Subscription: // messages sent before the subscription may be lost
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
		return // a message of another version, or this process's own
	}
	if m.Event != nil {
		r.local.pass(*m.Event)
	}
	if m.Forget != "" {
		r.local.InvalidateCache(ctx, m.Forget)
	}
}

// hashed returns a key of fixed length. Its parts may come from clients, so they may be long and contain any byte.
func hashed(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d %s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

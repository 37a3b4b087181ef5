package live

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	redisTimeout = 200 * time.Millisecond // for a connection attempt, and for each command
	probeEvery   = 1 * time.Second
	prefix       = "risingstars:" // of every key in Redis
)

// quiet disables the log of the Redis client: the circuit breaker logs each change of its state itself.
var quiet = sync.OnceFunc(logging.Disable)

// link is the connection to Redis behind a circuit breaker. The first command that fails trips it: callers continue
// without Redis at once, and a probe about every second decides when it is closed again.
type link struct {
	client   *redis.Client
	db       int
	log      *slog.Logger
	up       prometheus.Gauge
	failures *prometheus.CounterVec
	down     atomic.Bool
	fell     chan struct{} // wakes the probe loop
}

// redisOptions parses the URL of a Redis. Its error does not repeat the URL, which may contain a password.
func redisOptions(text string, timeout time.Duration) (*redis.Options, error) {
	quiet()
	text, ca := cutAuthority(text)
	o, err := redis.ParseURL(text)
	if err != nil { // the error of the client may quote the password
		return nil, errors.New("REDIS_URL: must be redis://, rediss:// or unix://, with no option that is unknown")
	}
	if ca != "" {
		if err := trustOnly(ca, o.TLSConfig); err != nil {
			return nil, fmt.Errorf("REDIS_URL: ca: %w", err)
		}
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = timeout, timeout, timeout, timeout
	o.MaxRetries, o.DialerRetries = -1, 1
	o.ContextTimeoutEnabled, o.DisableIdentity = true, true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return o, nil
}

// cutAuthority removes our own parameter ca from a URL: the file with the CA certificates to trust instead of the
// system's.
func cutAuthority(text string) (rest, ca string) {
	u, err := url.Parse(text)
	if err != nil || !u.Query().Has("ca") {
		return text, "" // the client reports an invalid URL
	}
	query := u.Query()
	ca = query.Get("ca")
	query.Del("ca")
	u.RawQuery = query.Encode()
	return u.String(), ca
}

func trustOnly(ca string, with *tls.Config) error {
	if with == nil {
		return errors.New("is for rediss:// only")
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		return fmt.Errorf("%w (it names a file with the certificates to trust)", err)
	}
	with.RootCAs = x509.NewCertPool()
	if !with.RootCAs.AppendCertsFromPEM(text) {
		return fmt.Errorf("%s holds no certificate", ca)
	}
	return nil
}

func newLink(url string, timeout time.Duration, log *slog.Logger, metrics prometheus.Registerer) (*link, error) {
	o, err := redisOptions(url, timeout)
	if err != nil {
		return nil, err
	}
	l := &link{
		client: redis.NewClient(o), db: o.DB, log: log, fell: make(chan struct{}, 1),
		up: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "risingstars_redis_up", Help: "1 while Redis is used, 0 while the process goes on without it.",
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "risingstars_redis_failures_total", Help: "Commands to Redis that failed, by operation.",
		}, []string{"operation"}),
	}
	metrics.MustRegister(l.up, l.failures)
	l.up.Set(1)
	return l, nil
}

// try runs commands against Redis and reports whether they succeeded. It returns false at once while the circuit
// breaker is tripped. It detaches from the caller's cancellation, because a canceled command would count as a failure
// of Redis; the read timeout bounds it.
func (l *link) try(ctx context.Context, operation string, commands func(context.Context, *redis.Client) error) bool {
	if l.down.Load() {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.client.Options().ReadTimeout)
	defer cancel()
	if err := commands(ctx, l.client); err != nil {
		l.fail(operation, err)
		return false
	}
	return true
}

func (l *link) fail(operation string, err error) {
	l.failures.WithLabelValues(operation).Inc()
	if !l.down.CompareAndSwap(false, true) {
		return
	}
	l.up.Set(0)
	l.log.Warn("redis does not answer; going on without it", "operation", operation, "error", err)
	select {
	case l.fell <- struct{}{}:
	default:
	}
}

// probe runs every kind of command that callers use. A PING is not enough: a Redis without free memory or a replica
// answers it too, and an ACL user may lack permissions.
func probe(ctx context.Context, client *redis.Client) error {
	ctx, cancel := context.WithTimeout(ctx, client.Options().ReadTimeout)
	defer cancel()
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, prefix+"probe", "", time.Minute)
		p.Eval(ctx, rate, []string{prefix + "limit:probe"}, 1, 1, 0, 0)
		p.Eval(ctx, leases, []string{prefix + "held:probe"}, "probe", unbounded, 1000)
		p.Publish(ctx, prefix+"probe", "")
		return nil
	})
	return err
}

// mend probes Redis while the circuit breaker is tripped and closes it after the first probe that succeeds. It ends
// with ctx.
func (l *link) mend(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.fell:
		}
		for l.down.Load() {
			if !pause(ctx, probeEvery) {
				return
			}
			if err := probe(ctx, l.client); err != nil {
				l.failures.WithLabelValues("probe").Inc()
				continue
			}
			l.up.Set(1)
			l.down.Store(false)
			l.log.Info("redis answers again")
		}
	}
}

// pause waits for the given time with a jitter of ±25 %, so that many processes do not probe at the same moment. It
// returns false if ctx ends first.
func pause(ctx context.Context, about time.Duration) bool {
	var b [1]byte
	_, _ = rand.Read(b[:]) // never fails
	timer := time.NewTimer(about*3/4 + about/2*time.Duration(b[0])/256)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

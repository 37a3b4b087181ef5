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
	redisTimeout = 200 * time.Millisecond // for a connection, and for each command
	probeEvery   = 1 * time.Second
	prefix       = "risingstars:" // of every key
)

// quiet stops the client's own logging: what matters is in the link's two lines.
var quiet = sync.OnceFunc(logging.Disable)

// link is the connection to Redis behind a circuit breaker. The first command that fails trips it: callers continue without
// Redis at once, and a probe about every second decides when it is closed again.
type link struct {
	client   *redis.Client
	db       int
	log      *slog.Logger
	up       prometheus.Gauge
	failures *prometheus.CounterVec
	down     atomic.Bool
	fell     chan struct{} // wakes the probing
}

// redisOptions reads a URL of Redis. Its error does not repeat the URL, which may have a password.
func redisOptions(text string, timeout time.Duration) (*redis.Options, error) {
	quiet()
	text, ca := cutAuthority(text)
	o, err := redis.ParseURL(text)
	if err != nil { // with a text that may quote the password
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

// cutAuthority takes out of a URL what is not the client's: ca, the file with the certificates of the authorities that are
// trusted in place of the system's.
func cutAuthority(text string) (rest, ca string) {
	u, err := url.Parse(text)
	if err != nil || !u.Query().Has("ca") {
		return text, "" // a URL that is none is for the client to refuse
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

// try runs commands against Redis and reports whether they did their work. A caller who hangs up does not end them: it
// would look like a failure of Redis.
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

// probe does all that callers do: a full Redis or a replica answers a PING, and a user of Redis may have few rights.
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

// mend probes a link that is down until it is up. It ends with ctx.
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

// pause waits for about so long, so that many processes do not come at once. It reports whether ctx goes on.
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

package live

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"risingstars/internal/testserver"
)

func TestRedisOverTLS(t *testing.T) {
	t.Parallel()
	server := testserver.RedisTLS(t, testserver.NewAuthority(t))
	a, b := patient(t, server.URL), patient(t, server.URL)
	subscribed(t, a, b)
	useAll(t, a)
	if up := testutil.ToFloat64(a.link.up); up != 1 {
		t.Errorf("up is %v", up)
	}
}

// A Redis whose certificate is not trusted counts as unavailable: one log line says why, and no call waits.
func TestRedisNotTrusted(t *testing.T) {
	t.Parallel()
	server := testserver.RedisTLS(t, testserver.NewAuthority(t))
	address, _, _ := strings.Cut(strings.Replace(server.URL, "//", "//:hunter2@", 1), "?")
	for name, test := range map[string]struct{ url, want string }{
		"another authority":  {address + "?ca=" + testserver.NewAuthority(t).File, "unknown authority"},
		"none that is known": {address, "unknown authority"},
		"without TLS":        {strings.Replace(address, "rediss", "redis", 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, log := open(t, test.url, testserver.Patience)
			useAll(t, r)
			eventually(t, "probes and subscriptions that fail", func() bool {
				return testutil.ToFloat64(r.link.failures.WithLabelValues("probe")) > 1 &&
					testutil.ToFloat64(r.link.failures.WithLabelValues("subscribe")) > 1
			})
			useAll(t, r)
			if log.count("level=WARN") != 1 || log.count("level=") != 1 || log.count(test.want) == 0 || log.count("hunter2") > 0 {
				t.Errorf("the log, of which one line with %q is wanted:\n%s", test.want, log.text.String())
			}
		})
	}
}

func TestRedisAuthorityThatIsNone(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"rediss://:hunter2@cache?ca=/nonexistent/ca.pem": "REDIS_URL: ca: open /nonexistent/ca.pem: no such file",
		"rediss://:hunter2@cache?ca=" + empty:            "REDIS_URL: ca: " + empty + " holds no certificate",
		"redis://:hunter2@cache?ca=" + empty:             "REDIS_URL: ca: is for rediss:// only",
	} {
		r, err := NewRedis(t.Context(), url, time.Now, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		if err == nil {
			t.Errorf("%s is taken", url)
			err = r.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

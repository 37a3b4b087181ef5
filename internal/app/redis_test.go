package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// withPassword puts a password into the URL of a Redis.
func withPassword(url, password string) string {
	return strings.Replace(url, "//", "//:"+password+"@", 1)
}

func TestDoctorOnRedis(t *testing.T) {
	t.Parallel()
	mediatest.Program(t, "ffmpeg")
	redis := testserver.Redis(t, "--requirepass", "hunter2")
	nobody := testserver.RedisAt(t, testserver.FreeAddr(t))
	const mend = "→ start Redis, or mend REDIS_URL"
	tests := map[string]struct {
		url  string
		says []string
		ok   bool
	}{
		"none":           {"", nil, true},
		"there":          {withPassword(redis.URL, "hunter2"), []string{"redis     version " + redis.Version() + ", answers in ", "REDIS_URL = redis://:xxxxx@"}, true},
		"wrong password": {withPassword(redis.URL, "hunter3"), []string{"FAIL  redis     use Redis: WRONGPASS", mend}, false},
		"no password":    {redis.URL, []string{"FAIL  redis     use Redis: NOAUTH", mend}, false},
		"not there":      {withPassword(nobody.URL, "hunter2"), []string{"FAIL  redis     use Redis: ", "connection refused", mend}, false},
		"unknown option": {withPassword(redis.URL, "hunter2") + "?x=hunter2", []string{"FAIL  redis     REDIS_URL: ", mend}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			out, err := doctorOnRedis(t, test.url, "--settings")

			contains(t, out, test.says...)
			if (err == nil) != test.ok {
				t.Errorf("got %v:\n%s", err, out)
			}
			if test.url == "" && strings.Contains(out, "redis") {
				t.Errorf("Redis is spoken of:\n%s", out)
			}
			if strings.Contains(out, "hunter") {
				t.Errorf("the password is shown:\n%s", out)
			}
		})
	}
}

// doctorOnRedis runs doctor against a Redis, and repeats it if a busy machine made Redis miss the platform's timeout.
func doctorOnRedis(tb testing.TB, url string, flags ...string) (out string, err error) {
	tb.Helper()
	testserver.Eventually(tb, "Redis answers within the platform's limit", func() bool {
		settings := apptest.Settings{"DATA_DIR": tb.TempDir(), "LISTEN_ADDR": "127.0.0.1:0", "REDIS_URL": url}
		out, err = run(tb, settings, append([]string{"doctor"}, flags...)...)
		return !strings.Contains(out, "and the platform waits")
	})
	return out, err
}

func TestDoctorOnRedisOverTLS(t *testing.T) {
	t.Parallel()
	mediatest.Program(t, "ffmpeg")
	redis := testserver.RedisTLS(t, testserver.NewAuthority(t))
	address, _, _ := strings.Cut(redis.URL, "?")
	for name, test := range map[string]struct{ url, says string }{
		"trusted":           {redis.URL, "redis     version " + redis.Version() + ", answers in "},
		"another authority": {address + "?ca=" + testserver.NewAuthority(t).File, "unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			out, err := doctorOnRedis(t, test.url)

			contains(t, out, test.says)
			if trusted := test.url == redis.URL; trusted != (err == nil) {
				t.Errorf("got %v:\n%s", err, out)
			}
		})
	}
}

// Two servers on one Redis share their rate limits. The screen shows the Redis without its password, and the password
// is not logged.
func TestServersOnOneRedis(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t, "--requirepass", "hunter2")
	settings := apptest.Settings{"REDIS_URL": withPassword(redis.URL, "hunter2"), "RATE_LIMIT": "on"}
	a, b := apptest.Start(t, settings), apptest.Start(t, settings)
	contains(t, a.Screen(), "\n  redis       "+withPassword(redis.URL, "xxxxx")+"\n")
	tries := func(url, email string) (n int) {
		for n = range 100 {
			status, _ := call("POST", url+"/api/auth/login", "", "application/json",
				encode(map[string]string{"email": email, "password": "wrong-password"}), nil)
			if status == http.StatusTooManyRequests {
				return n
			}
		}
		t.Fatal("nothing is limited")
		return n
	}
	round := 0
	testserver.Eventually(t, "refused by one is refused by the other", func() bool { // unless Redis misses the timeout once
		round++
		email := fmt.Sprintf("ana%d@example.com", round)
		return tries(a.URL, email) > 0 && tries(b.URL, email) == 0
	})
	if strings.Contains(a.Screen()+a.Log(), "hunter") {
		t.Errorf("the password is shown:\n%s%s", a.Screen(), a.Log())
	}
}

// A server starts and works while its Redis is unavailable.
func TestServeWithoutItsRedis(t *testing.T) {
	t.Parallel()
	nobody := testserver.RedisAt(t, testserver.FreeAddr(t))

	server := apptest.Start(t, apptest.Settings{"REDIS_URL": withPassword(nobody.URL, "hunter2"), "WORKERS": "1"})

	ana := newPlayer(t, server.URL, "ana@example.com")
	id := ana.mustUpload(t, server.URL, mediatest.Clip(t, mediatest.Spec{}))
	ana.waitFor(t, server.URL, id, "processed")
	status, _ := get(t, server.URL+"/readyz")
	_, page := get(t, server.URL+"/metrics")
	if status != http.StatusOK {
		t.Errorf("readyz: got %d", status)
	}
	contains(t, page, "\nrisingstars_redis_up 0\n", `risingstars_redis_failures_total{operation="start"} 1`)
	contains(t, server.Log(), "level=WARN", "redis does not answer; going on without it")
	if strings.Contains(server.Log(), "hunter") {
		t.Errorf("the log shows the password:\n%s", server.Log())
	}
}

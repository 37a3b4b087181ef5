package nginx_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// pair is two programs behind one nginx.
type pair struct {
	*front
	first, second *apptest.Server
}

func newPair(t *testing.T) pair {
	t.Helper()
	f := newFront(t, nil)
	second := apptest.Start(t, apptest.Settings{"WORKERS": "0", "TRUSTED_PROXIES": "127.0.0.1"})
	f.Reload(address(f.app)+" max_fails=2 fail_timeout=5s", address(second)+" max_fails=2 fail_timeout=5s")
	return pair{f, f.app, second}
}

// Sends requests from several clients while do runs, and some after it, and counts the answers by method and status.
// A request without an answer fails the test.
func (f *front) whileSending(do func(), methods ...string) map[string]int {
	f.Helper()
	var (
		clients sync.WaitGroup
		over    atomic.Bool
		mu      sync.Mutex
	)
	counts := map[string]int{}
	for i := range 4 {
		client := f.over(f.Client(i%2 == 0))
		clients.Go(func() {
			tick := time.NewTicker(20 * time.Millisecond) // so that together they stay below the rate limit for one address
			defer tick.Stop()
			for after := 0; after < 20; {
				<-tick.C
				if over.Load() {
					after++
				}
				for _, method := range methods {
					status := client.status(method)
					mu.Lock()
					counts[method+" "+http.StatusText(status)]++
					mu.Unlock()
				}
			}
		})
	}
	do()
	over.Store(true)
	clients.Wait()
	return counts
}

// status sends a cheap request: the ranking, or a change without a token.
func (f *front) status(method string) int {
	path := map[string]string{http.MethodGet: "/api/public/rankings", http.MethodPost: "/api/videos/1/publish"}[method]
	request, err := http.NewRequestWithContext(context.Background(), method, f.URL+path, nil)
	if err != nil {
		f.Error(err)
		return 0
	}
	response, err := f.http.Do(request)
	if err != nil {
		f.Error(err)
		return 0
	}
	_ = response.Body.Close() // only the status is needed
	return response.StatusCode
}

// onlyGood checks that there were answers to both methods, all with the expected status.
func onlyGood(t *testing.T, counts map[string]int) {
	t.Helper()
	for what, n := range counts {
		if what != "GET OK" && what != "POST Unauthorized" {
			t.Errorf("%d times got %s", n, what)
		}
	}
	if counts["GET OK"] < 80 {
		t.Errorf("got %v", counts)
	}
}

// One of two programs is down from the start: all requests succeed.
func TestOneIsDown(t *testing.T) {
	t.Parallel()
	f := newFront(t, nil)
	f.Reload(testserver.FreeAddr(t), address(f.app))
	onlyGood(t, f.whileSending(func() {
		p := f.player()
		for range 5 {
			p.uploaded()
		}
	}, http.MethodGet, http.MethodPost))
}

// Stopping a program that nginx still uses loses no GET. Taking it out of the configuration first loses no request.
func TestOneIsStopped(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	onlyGood(t, p.whileSending(func() { check(t, p.first.Stop()) }, http.MethodGet))
}

func TestOneIsTakenOutAndStopped(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	onlyGood(t, p.whileSending(func() {
		p.Reload(address(p.first)+" down", address(p.second))
		check(t, p.first.Stop())
	}, http.MethodGet, http.MethodPost))
}

// A request that was sent and not answered may have been executed. nginx repeats it only if it is idempotent.
func TestWhatWasSentIsNotSentAgain(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	n := testserver.Nginx(t, "", breaking(t, &asked), breaking(t, &asked))
	f := &front{TB: t, NginxServer: n, http: n.Client(true)}
	for _, test := range []struct {
		method, path string
		times        int64
	}{
		{"GET", "/api/public/rankings", 2}, {"POST", "/api/public/videos/1/vote", 1}, {"POST", "/api/videos/upload", 1}, {"PATCH", "/api/uploads/1", 1},
	} {
		n.Reload(breaking(t, &asked), breaking(t, &asked)) // new servers: nginx has counted no failures of them
		asked.Store(0)
		f.ask(test.method, test.path, strings.NewReader("x")).isProblem(t, http.StatusBadGateway)
		if got := asked.Load(); got != test.times {
			t.Errorf("%s %s was sent %d times, want %d", test.method, test.path, got, test.times)
		}
	}
}

// breaking is a server that reads a request and closes the connection.
func breaking(tb testing.TB, asked *atomic.Int64) (addr string) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(tb, err)
	tb.Cleanup(func() { _ = l.Close() })
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				asked.Add(1)
			}
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

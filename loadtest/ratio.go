package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"risingstars/bench/bare"
)

// ratio compares the platform with something bare that does the same work, in alternating rounds on the same machine.
type ratio struct {
	name string
	run  func(context.Context) (*result, error)
}

func (b *benchmark) ratioComparisons() []ratio {
	list := []ratio{
		{"ratio-start", func(ctx context.Context) (*result, error) { return b.runComparison(ctx, "ratio-start", b.compareStart) }},
		{"ratio-uploads", func(ctx context.Context) (*result, error) {
			return b.runComparison(ctx, "ratio-uploads", b.compareUploads)
		}},
		{"ratio-votes", func(ctx context.Context) (*result, error) { return b.runComparison(ctx, "ratio-votes", b.compareVotes) }},
	}
	for _, n := range b.RankedPlayers {
		name := fmt.Sprintf("ratio-reads-%d", n)
		list = append(list, ratio{name, func(ctx context.Context) (*result, error) {
			return b.runComparison(ctx, name, func(h *harness) []figure { return b.compareReads(h, n) })
		}})
	}
	return list
}

// runComparison makes a result of the figures that a comparison returns.
func (b *benchmark) runComparison(ctx context.Context, name string, measure func(*harness) []figure) (*result, error) {
	h := newHarness(ctx, b.log)
	defer h.releaseAll()
	r := &result{Name: name, Kind: "ratio", Scenario: strings.TrimPrefix(name, "ratio-"), Began: time.Now().UTC()}
	err := h.runSteps(func() { r.Figures = measure(h) })
	r.judgeByFigures()
	return r, err
}

var serving = regexp.MustCompile(`^serving (http://\S+)`)

// startBareServer starts this program as one of the bare servers.
func (h *harness) startBareServer(kind string, env ...string) (*process, string) {
	self, err := os.Executable()
	h.requireNoError(err, "find this program")
	cmd := exec.CommandContext(context.Background(), self)
	cmd.Env = append(append(os.Environ(), bare.Env+"="+kind), env...)
	p, m := h.startProcess("bare-"+kind, cmd, serving)
	return p, m[1]
}

const connectionsAtOnce = 16

// requester sends prepared requests on many connections at once, round by round.
type requester struct {
	address string
	tls     *tls.Config // nil for plain HTTP
	round   time.Duration
	rounds  int // so far; each uses addresses of its own, because nginx limits what one address may ask
}

func newRequester(h *harness, url, ca string, round time.Duration) *requester {
	scheme, address, _ := strings.Cut(url, "://")
	a := &requester{address: address, round: round}
	if scheme == "https" {
		text, err := os.ReadFile(ca)
		h.requireNoError(err, "read the certificate")
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(text)
		a.tls = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	}
	return a
}

// requestsPerSecond is the rate of answers in one round. next returns the next request of a connection.
func (a *requester) requestsPerSecond(h *harness, next func(connection int) []byte) float64 {
	a.rounds++
	var count atomic.Int64
	failures := make(chan error, connectionsAtOnce)
	var group sync.WaitGroup
	begin := time.Now()
	for i := range connectionsAtOnce {
		group.Go(func() {
			failures <- a.sendFromManyAddresses(h.ctx, i, begin, &count, func() []byte { return next(i) })
		})
	}
	group.Wait()
	took := time.Since(begin).Seconds()
	close(failures)
	for err := range failures {
		h.requireNoError(err, "ask")
	}
	return float64(count.Load()) / took
}

// sendFromManyAddresses spends a round on successive connections from different addresses: nginx lets one address send
// about two thousand requests before it limits the rate.
func (a *requester) sendFromManyAddresses(ctx context.Context, connection int, begin time.Time, count *atomic.Int64, next func() []byte) error {
	const turns = 8
	for k := range turns {
		from := net.IPv4(127, byte(20+a.rounds%200), byte(a.rounds/200*turns+k), byte(connection+1))
		n, err := a.sendUntil(ctx, from, begin.Add(a.round*time.Duration(k+1)/turns), next)
		count.Add(n)
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *requester) sendUntil(ctx context.Context, from net.IP, end time.Time, next func() []byte) (n int64, err error) {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: time.Minute}
	var conn net.Conn
	if a.tls == nil {
		conn, err = dialer.DialContext(ctx, "tcp", a.address)
	} else {
		conn, err = (&tls.Dialer{NetDialer: dialer, Config: a.tls}).DialContext(ctx, "tcp", a.address)
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	return bare.Ask(conn, end, next)
}

// getRequest returns the same GET request for every connection.
func (a *requester) getRequest(path string) func(int) []byte {
	text := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, a.address)
	return func(int) []byte { return text }
}

// compareStart measures how long a web process takes to be ready, and its memory when it is idle.
func (b *benchmark) compareStart(h *harness) []figure {
	var list []figure
	for _, kind := range []string{embedded, fleet} {
		t := newTargetWithTables(h, kind, b.programPath, false)
		var times, idle []float64
		for n := range b.Rounds + 1 {
			begin := time.Now()
			settings := settings{"WORKERS": "0", "DATA_DIR": h.TempDir(), "LISTEN_ADDR": "127.0.0.1:0"}
			if kind == embedded {
				settings["DATA_DIR"] = t.settings["DATA_DIR"]
			}
			p, m := h.startProcess("web", programCommand(b.programPath, withSettings(t.settings, settings), "serve"), webSiteLine)
			waitUntilReady(h, m[1])
			if n > 0 { // the first start fills caches
				times = append(times, time.Since(begin).Seconds())
				idle = append(idle, float64(useOfProcessTree(readProcessTree(), p.processID()).memory)/(1<<20))
			}
			h.stopProcess(p)
		}
		list = append(list,
			figureBelow(kind+": from the start until ready", medianOf(times), "s", .3),
			figureBelow(kind+": idle memory of a web process", medianOf(idle), "MiB", 60))
	}
	return list
}

// withSettings is a copy of base, overridden by more.
func withSettings(base, more settings) settings {
	all := maps.Clone(base)
	maps.Copy(all, more)
	return all
}

// waitUntilReady polls a web process until it is ready.
func waitUntilReady(h *harness, url string) {
	client := &http.Client{Timeout: time.Minute}
	deadline := time.Now().Add(startTime)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for time.Now().Before(deadline) {
		if _, err := fetchBody(h.ctx, client, url+"/readyz"); err == nil {
			return
		}
		<-tick.C
	}
	h.Fatal("the program did not become ready")
}

// fetchBody returns the body of an answer with status 200.
func fetchBody(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New(answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// saveBody writes a body to a file for the bare server to answer with.
func saveBody(h *harness, body []byte) string {
	path := filepath.Join(h.TempDir(), "body")
	h.requireNoError(os.WriteFile(path, body, 0o600), "write a body")
	return path
}

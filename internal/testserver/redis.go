package testserver

import (
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
)

// RedisServer is a Redis of the test's own without persistence: it loses its data when it stops.
type RedisServer struct {
	*Process
	URL  string
	addr string
	args []string
	tb   testing.TB
}

// Redis starts a Redis. args, such as "--requirepass", "secret", follow the default arguments.
func Redis(tb testing.TB, args ...string) *RedisServer {
	tb.Helper()
	r := RedisAt(tb, FreeAddr(tb), args...)
	r.Start()
	return r
}

// RedisAt returns a Redis for the given address that is not started.
func RedisAt(tb testing.TB, addr string, args ...string) *RedisServer {
	tb.Helper()
	return &RedisServer{URL: "redis://" + addr + "/0", addr: addr, args: args, tb: tb}
}

// RedisTLS starts a Redis that requires TLS, with a certificate of the CA. Its URL trusts the CA.
func RedisTLS(tb testing.TB, a *Authority) *RedisServer {
	tb.Helper()
	r := RedisAt(tb, FreeAddr(tb))
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		tb.Fatal(err)
	}
	certificate, key := filepath.Join(tb.TempDir(), "redis.crt"), filepath.Join(tb.TempDir(), "redis.key")
	a.certify(tb, certificate, key)
	r.args = []string{"--port", "0", "--tls-port", port, "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no"}
	r.URL = "rediss://" + r.addr + "/0?ca=" + a.File
	r.Start()
	return r
}

// Start starts the server, at the same address each time.
func (r *RedisServer) Start() {
	r.tb.Helper()
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		r.tb.Fatal(err)
	}
	program := Program(r.tb, "redis-server")
	args := []string{"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", r.tb.TempDir()}
	cmd := exec.CommandContext(r.tb.Context(), program, append(args, r.args...)...)
	cmd.Cancel = func() error { return nil } // the cleanup ends it
	r.Process = start(r.tb, "redis-server", cmd, func() error { return accepts(r.addr) })
}

// Client returns a client with timeouts long enough for the busiest machine. It is closed at the end of the test.
func (r *RedisServer) Client() *redis.Client {
	r.tb.Helper()
	options, err := redis.ParseURL(r.URL)
	if err != nil {
		r.tb.Fatal(err)
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = Patience, Patience, Patience, Patience
	client := redis.NewClient(options)
	r.tb.Cleanup(func() { _ = client.Close() }) // the server may have stopped
	return client
}

// Version returns the version that the server logs at start.
func (r *RedisServer) Version() (version string) {
	r.tb.Helper()
	Eventually(r.tb, "Redis logs its version", func() bool {
		_, rest, _ := strings.Cut(r.Log(), "Redis version=")
		var whole bool
		version, _, whole = strings.Cut(rest, ",")
		return whole
	})
	return version
}

// Stop stops the server with SIGTERM.
func (r *RedisServer) Stop() {
	r.tb.Helper()
	r.Process.Stop(syscall.SIGTERM)
}

package testserver

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Network is a TCP proxy between a process and a server that can break connections and can hang.
type Network struct {
	Addr string // the address that the process connects to
	to   string

	mu    sync.Mutex
	open  *sync.Cond // broadcast when the state changes
	stuck bool
	lost  string // the answer to a request with this text is dropped
	conns map[net.Conn]bool
}

// NewNetwork starts a proxy to the server at an address.
func NewNetwork(tb testing.TB, to string) *Network {
	tb.Helper()
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Network{Addr: l.Addr().String(), to: to, conns: map[net.Conn]bool{}}
	p.open = sync.NewCond(&p.mu)
	tb.Cleanup(func() {
		_ = l.Close() // nothing was sent
		p.Hang(false)
		p.Cut()
	})
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

func (p *Network) serve(c net.Conn) {
	defer func() { _ = c.Close() }() // it may be closed already
	p.pass()
	s, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.to)
	if err != nil {
		return
	}
	defer func() { _ = s.Close() }()
	p.keep(c, s, true)
	defer p.keep(c, s, false)
	done := make(chan struct{}, 2)
	unanswered := &atomic.Bool{}
	for _, pair := range [][2]net.Conn{{c, s}, {s, c}} {
		go func() { // ends when either side is closed
			_, _ = io.Copy(pair[0], through{pair[1], p, pair[1] == c, unanswered})
			done <- struct{}{}
		}()
	}
	<-done
}

func (p *Network) keep(c, s net.Conn, is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range []net.Conn{c, s} {
		if is {
			p.conns[conn] = true
		} else {
			delete(p.conns, conn)
		}
	}
}

// Cut closes all connections.
func (p *Network) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// Hang stops the transfer of data without closing connections, until it is called with false.
func (p *Network) Hang(is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stuck = is
	p.open.Broadcast()
}

// Lose lets requests that contain the text reach the server, and closes the connection instead of passing on the
// answer, until it is called with "".
func (p *Network) Lose(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = text
}

func (p *Network) loses(b []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost != "" && strings.Contains(string(b), p.lost)
}

func (p *Network) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stuck {
		p.open.Wait()
	}
}

// through reads from a connection as the Network allows.
type through struct {
	net.Conn

	p          *Network
	asks       bool         // the client's side
	unanswered *atomic.Bool // per connection: the answer to the last request must be dropped
}

func (t through) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.p.pass()
	if t.asks {
		t.unanswered.Store(t.p.loses(b[:n]))
	} else if t.unanswered.Load() {
		return 0, io.EOF
	}
	return n, err
}

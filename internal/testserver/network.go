package testserver

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// Network lies between one process and a server, and can be cut and can hang.
type Network struct {
	Addr string // where the process finds the server
	to   string

	mu    sync.Mutex
	open  *sync.Cond // broadcast when what may pass changes
	stuck bool
	conns map[net.Conn]bool
}

// NewNetwork leads to the server at an address.
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
	defer func() { _ = c.Close() }() // it may be cut
	p.pass()
	s, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.to)
	if err != nil {
		return
	}
	defer func() { _ = s.Close() }()
	p.keep(c, s, true)
	defer p.keep(c, s, false)
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{c, s}, {s, c}} {
		go func() { // ends when either side is closed
			_, _ = io.Copy(pair[0], through{pair[1], p})
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

// Cut breaks all connections.
func (p *Network) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// Hang lets nothing pass, and breaks nothing, until it is told otherwise.
func (p *Network) Hang(is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stuck = is
	p.open.Broadcast()
}

func (p *Network) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stuck {
		p.open.Wait()
	}
}

// through reads what may pass.
type through struct {
	net.Conn

	p *Network
}

func (t through) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.p.pass()
	return n, err
}

package chaos

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy is a network between one process and a server, which can be cut and can hang.
type proxy struct {
	addr, to string

	mu    sync.Mutex
	open  *sync.Cond // broadcast when what may pass changes
	stuck bool
	conns map[net.Conn]bool
}

func newProxy(tb testing.TB, to string) *proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), to: to, conns: map[net.Conn]bool{}}
	p.open = sync.NewCond(&p.mu)
	tb.Cleanup(func() {
		_ = l.Close()
		p.hang(false)
		p.cut()
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

func (p *proxy) serve(c net.Conn) {
	defer c.Close()
	p.pass()
	s, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer s.Close()
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

func (p *proxy) keep(c, s net.Conn, is bool) {
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

// cut breaks all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// hang lets nothing pass, and breaks nothing, until it is told otherwise.
func (p *proxy) hang(is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stuck = is
	p.open.Broadcast()
}

func (p *proxy) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stuck {
		p.open.Wait()
	}
}

// through reads what may pass.
type through struct {
	net.Conn

	p *proxy
}

func (t through) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.p.pass()
	return n, err
}

package testserver

import (
	"context"
	"net"
	"sync"
	"testing"
)

// Relay is a TCP proxy that breaks connections at a chosen moment.
type Relay struct {
	Addr string

	to   string
	pass func(toServer bool, carried int64) bool
	open sync.Map // of net.Conn
	ends sync.WaitGroup
}

// NewRelay starts a proxy to the server at an address. It calls pass for each piece of data with the number of bytes
// that the connection will have carried in that direction. If pass returns false, the connection is closed. Calls may
// be concurrent.
func NewRelay(tb testing.TB, to string, pass func(toServer bool, carried int64) bool) *Relay {
	tb.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	r := &Relay{Addr: l.Addr().String(), to: to, pass: pass}
	r.ends.Go(func() { r.accept(l) })
	tb.Cleanup(func() {
		_ = l.Close()
		r.open.Range(func(c, _ any) bool {
			_ = c.(net.Conn).Close() //nolint:errcheck,forcetypeassert // nothing else is in it
			return true
		})
		r.ends.Wait()
	})
	return r
}

func (r *Relay) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return // closed at the end of the test
		}
		r.open.Store(client, true)
		r.ends.Go(func() { r.serve(client) })
	}
}

// serve ends when either side closes its connection.
func (r *Relay) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	var d net.Dialer
	server, err := d.DialContext(context.Background(), "tcp", r.to)
	if err != nil {
		return
	}
	r.open.Store(server, true)
	r.ends.Go(func() { r.carry(client, server, false) })
	r.carry(server, client, true)
}

func (r *Relay) carry(to, from net.Conn, toServer bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	piece := make([]byte, 64<<10)
	for carried := int64(0); ; {
		n, err := from.Read(piece)
		carried += int64(n)
		if n > 0 && !r.pass(toServer, carried) {
			return
		}
		if _, writing := to.Write(piece[:n]); err != nil || writing != nil {
			return
		}
	}
}

//go:build linux

package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"risingstars/internal/testserver"
)

// knocked are the ports that are tried: those of the table, and those that only the host itself may reach.
var knocked = []int{22, 80, 443, 2049, 5432, 6379, 8079, 8080, 9101}

// tryAllPorts listens on every port of every host, and connects to each from every host. Connections that the table
// allows must succeed; the others must get no answer.
func tryAllPorts(t *testing.T, n network, table portTable) {
	t.Helper()
	var wg sync.WaitGroup
	slots := make(chan struct{}, 48)
	tried, open := 0, 0
	var greeters []*greeter
	for _, name := range []string{"web", "worker", "files", "database"} {
		for _, port := range knocked {
			greeters = append(greeters, n[name].greet(t, port))
			for from := range n {
				if from == name {
					continue
				}
				allowed := table.allows(from, name, port)
				tried++
				if allowed {
					open++
				}
				wg.Go(func() {
					slots <- struct{}{}
					defer func() { <-slots }()
					knock(t, n[from], n[name], port, allowed)
				})
			}
		}
	}
	wg.Wait()
	for _, g := range greeters {
		g.close(t, n, table) // the platform needs the port
	}
	t.Logf("%d connections tried, %d of them allowed", tried, open)
	if used := usedPorts(table); slices.ContainsFunc(used, func(p int) bool { return !slices.Contains(knocked, p) }) {
		t.Errorf("the table has ports %v, tried were %v", used, knocked)
	}
}

func usedPorts(table portTable) (ports []int) {
	for _, rule := range table.Rules {
		ports = append(ports, rule.Port)
	}
	return ports
}

// greeter sends every client the name of its host, and records the clients' addresses.
type greeter struct {
	host
	port     int
	listener net.Listener
	clients  map[string]bool // to be read after accepted is closed
	accepted chan struct{}   // closed when it accepts no more connections
}

// greet starts a greeter on a port of the host.
func (h host) greet(t *testing.T, port int) *greeter {
	t.Helper()
	g := &greeter{host: h, port: port, clients: map[string]bool{}, accepted: make(chan struct{})}
	check(t, h.inside(func() (err error) {
		var c net.ListenConfig
		g.listener, err = c.Listen(t.Context(), "tcp4", fmt.Sprintf("0.0.0.0:%d", port))
		return err
	}))
	go g.accept() // ends with close
	return g
}

func (g *greeter) accept() {
	defer close(g.accepted)
	for {
		c, err := g.listener.Accept()
		if err != nil {
			return
		}
		client, _, _ := net.SplitHostPort(c.RemoteAddr().String())
		_, _ = io.WriteString(c, g.name)
		_ = c.Close()
		g.clients[client] = true
		if client == g.address {
			return
		}
	}
}

// close stops the greeter and checks that only allowed hosts have reached it. This covers a connection that succeeded
// after the client's timeout on a busy machine: connections are accepted in order, so after a later one from its own
// host the greeter has accepted all of them.
func (g *greeter) close(t *testing.T, n network, table portTable) {
	t.Helper()
	knock(t, g.host, g.host, g.port, true)
	check(t, g.listener.Close())
	<-g.accepted
	for from, h := range n {
		if from != g.name && g.clients[h.address] && !table.allows(from, g.name, g.port) {
			t.Errorf("%s has reached %s:%d", from, g.name, g.port)
		}
	}
}

func knock(t *testing.T, from, to host, port int, allowed bool) {
	t.Helper()
	limit := time.Second // for an answer that must not arrive
	if allowed {
		limit = testserver.Patience
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	c, err := from.dial(ctx, fmt.Sprintf("%s:%d", to.address, port))
	var name []byte
	if err == nil {
		name, err = io.ReadAll(c)
		_ = c.Close()
	}
	switch {
	case allowed && (err != nil || string(name) != to.name):
		t.Errorf("%s may reach %s:%d, but: %q, %v", from.name, to.name, port, name, err)
	case !allowed && err == nil:
		t.Errorf("%s reaches %s:%d", from.name, to.name, port)
	case !allowed && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded):
		t.Errorf("%s gets an answer of %s:%d: %v", from.name, to.name, port, err)
	}
}

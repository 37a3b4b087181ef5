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
)

// knocked are the ports that are tried: those of the table, and those that only a host itself should reach.
var knocked = []int{22, 80, 443, 2049, 5432, 6379, 8079, 8080, 9101}

// tryAllPorts opens every port on every host, and has everybody knock at each: who may gets in, who may not gets no answer.
func tryAllPorts(t *testing.T, n network, table portTable) {
	t.Helper()
	targets := []string{"web", "worker", "files", "database"}
	var greeters []net.Listener
	for _, name := range targets {
		for _, port := range knocked {
			greeters = append(greeters, n[name].greet(t, port))
		}
	}
	defer func() {
		for _, l := range greeters {
			check(t, l.Close()) // the platform wants the ports
		}
	}()
	var wg sync.WaitGroup
	slots := make(chan struct{}, 48)
	tried, open := 0, 0
	for from := range n {
		for _, to := range targets {
			for _, port := range knocked {
				if from == to {
					continue
				}
				tried++
				if table.allows(from, to, port) {
					open++
				}
				wg.Go(func() {
					slots <- struct{}{}
					defer func() { <-slots }()
					knock(t, n[from], n[to], port, table.allows(from, to, port))
				})
			}
		}
	}
	wg.Wait()
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

// greet says the host's name to whoever connects.
func (h host) greet(t *testing.T, port int) (l net.Listener) {
	t.Helper()
	check(t, h.inside(func() (err error) {
		var c net.ListenConfig
		l, err = c.Listen(t.Context(), "tcp4", fmt.Sprintf("0.0.0.0:%d", port))
		return err
	}))
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, h.name)
			_ = c.Close()
		}
	}()
	return l
}

func knock(t *testing.T, from, to host, port int, allowed bool) {
	t.Helper()
	patience := time.Second
	if allowed {
		patience = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
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

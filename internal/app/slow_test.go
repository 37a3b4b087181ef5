package app_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// idlers are connections that send little or nothing.
type idlers struct {
	conns []net.Conn
	ended atomic.Int64 // by the server
	late  atomic.Int64 // uploads answered with 408
	done  chan struct{}
}

// gather opens n connections of three kinds in turn: one sends nothing, one sends a header byte by byte, one sends an
// upload byte by byte.
func gather(tb testing.TB, url, token string, n int) *idlers {
	tb.Helper()
	c := &idlers{done: make(chan struct{})}
	begin := []string{
		"", "GET /api/public/rankings HTTP/1.1\r\nHost: test\r\nX-Slow: ",
		"POST /api/videos/upload HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer " + token +
			"\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n--x\r\n" +
			"Content-Disposition: form-data; name=\"video_file\"; filename=\"a.mp4\"\r\nContent-Type: video/mp4\r\n\r\n",
	}
	var d net.Dialer
	for i := range n {
		conn, err := d.DialContext(tb.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		check(tb, err)
		_, err = io.WriteString(conn, begin[i%3])
		check(tb, err)
		c.conns = append(c.conns, conn)
		go c.listen(conn)
	}
	go c.trickle() // ends with leave
	tb.Cleanup(c.leave)
	return c
}

// listen reads the answer. It ends with the connection.
func (c *idlers) listen(conn net.Conn) {
	line, err := bufio.NewReader(conn).ReadString('\n')
	if strings.HasPrefix(line, "HTTP/1.1 408") {
		c.late.Add(1)
	}
	if line != "" || !errors.Is(err, net.ErrClosed) {
		c.ended.Add(1)
	}
}

// trickle sends one byte per second on each connection.
func (c *idlers) trickle() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-tick.C:
		}
		for i, conn := range c.conns {
			if i%3 != 0 {
				_, _ = conn.Write([]byte("x"))
			}
		}
	}
}

func (c *idlers) leave() {
	select {
	case <-c.done:
		return
	default:
	}
	close(c.done)
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// askForRanking requests the ranking on a new connection.
func askForRanking(tb testing.TB, url string) {
	tb.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: testserver.Patience}
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url+"/api/public/rankings", nil)
	check(tb, err)
	answer, err := client.Do(r)
	check(tb, err)
	_, err = io.Copy(io.Discard, answer.Body)
	check(tb, errors.Join(err, answer.Body.Close()))
	if answer.StatusCode != http.StatusOK {
		tb.Fatalf("got %s", answer.Status)
	}
}

// Five hundred idle or slow connections do not block other clients, and the server closes them.
// BenchmarkRankingBesideSlowClients measures their cost for others.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	slow := gather(t, s.URL, newPlayer(t, s.URL, "ana@example.com").token, 501)

	for range 100 {
		askForRanking(t, s.URL)
	}

	testserver.EventuallyMoving(t, "connections without a request are ended, and uploads that trickle are refused",
		func() (counts [2]int64, done bool) {
			counts = [2]int64{slow.ended.Load(), slow.late.Load()}
			return counts, counts[0] >= 334 && counts[1] >= 167
		})
}

// BenchmarkRankingBesideSlowClients compares requests without and with 501 idle or slow connections, which the server
// closes after half a minute.
func BenchmarkRankingBesideSlowClients(b *testing.B) {
	s := apptest.Start(b, apptest.Settings{"WORKERS": "0", "LOG_LEVEL": "info"})
	ana := newPlayer(b, s.URL, "ana@example.com")
	for _, connections := range []int{0, 501} {
		b.Run(fmt.Sprint(connections), func(b *testing.B) {
			if connections > 0 {
				gather(b, s.URL, ana.token, connections)
			}
			for b.Loop() {
				askForRanking(b, s.URL)
			}
		})
	}
}

// The server stops reading a form that arrives too slowly.
func TestASlowForm(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	conn := testserver.Dial(t, strings.TrimPrefix(s.URL, "http://"))
	_, err := fmt.Fprint(conn, "POST /cuenta/entrar HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nemail=")
	check(t, err)

	_, err = io.Copy(io.Discard, conn)

	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the server still waits for it after %s", testserver.Patience)
	}
}

package drain_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/web/drain"
)

const (
	bodySize = 16 << 20 // more than the kernel buffers of a body that the server does not read
	patience = time.Minute
)

// generous limits are not reached during a test.
var generous = drain.Limits{Bytes: 2 * bodySize, Time: 10 * patience}

// server answers through drain.Handler and counts the bytes that it reads of bodies.
type server struct {
	*httptest.Server
	read *atomic.Int64
}

func newServer(t *testing.T, handler http.HandlerFunc, limits drain.Limits) server {
	t.Helper()
	read := &atomic.Int64{}
	drained := drain.Handler(handler, limits)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			r.Body = countedBody{r.Body, read}
		}
		drained.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return server{s, read}
}

type countedBody struct {
	io.ReadCloser
	read *atomic.Int64
}

func (b countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	return n, err
}

// client is a TCP connection to the server.
type client struct {
	net.Conn
	t      *testing.T
	reader *bufio.Reader
}

func (s server) dial(t *testing.T) *client {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	check(t, err)
	t.Cleanup(func() { _ = c.Close() })
	check(t, c.SetDeadline(time.Now().Add(patience)))
	return &client{c, t, bufio.NewReader(c)}
}

func (c *client) write(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatalf("the server does not take what is sent: %v", err)
	}
}

// announce writes the header of a POST with a body of size bytes.
func (c *client) announce(size int, lines ...string) {
	c.t.Helper()
	c.write(fmt.Sprintf("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n%s\r\n", size, strings.Join(lines, "")))
}

// answer is the part of an answer that the tests compare.
type answer struct {
	Status int
	Length int64 // Content-Length; -1 for none
	Close  bool
	Body   string
}

func (c *client) read(method string) answer {
	c.t.Helper()
	response, err := http.ReadResponse(c.reader, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("read the answer: %v", err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatalf("read the answer's body: %v", err)
	}
	return answer{response.StatusCode, response.ContentLength, response.Close, string(body)}
}

func (c *client) reads(want answer) {
	c.t.Helper()
	if diff := cmp.Diff(want, c.read(http.MethodPost)); diff != "" {
		c.t.Errorf("answer (-want +got):\n%s", diff)
	}
}

// seesTheEnd waits until the server closes the connection.
func (c *client) seesTheEnd() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.reader); len(rest) > 0 || isTimeout(err) {
		c.t.Errorf("after the answer: got %q, %v; want the connection closed", rest, err)
	}
}

func isTimeout(err error) bool {
	var failure net.Error
	return errors.As(err, &failure) && failure.Timeout()
}

func refuse(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, "no")
}

var refused = answer{http.StatusForbidden, 2, true, "no"}

// A client that sends its whole request before it reads can read the answer.
func TestClientThatSendsAllBeforeReading(t *testing.T) {
	t.Parallel()
	handlers := map[string]http.HandlerFunc{
		"nothing read": refuse,
		"a part read": func(w http.ResponseWriter, r *http.Request) {
			_, err := io.CopyN(io.Discard, r.Body, 1<<20)
			check(t, err)
			refuse(w, r)
		},
		"body closed and deadline over": func(w http.ResponseWriter, r *http.Request) {
			check(t, http.NewResponseController(w).SetReadDeadline(time.Now()))
			check(t, r.Body.Close())
			if n, err := r.Body.Read(make([]byte, 1)); n > 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
				t.Errorf("a read after Close: got %d bytes, %v", n, err)
			}
			refuse(w, r)
		},
	}
	for name, handler := range handlers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, handler, generous)
			c := s.dial(t)

			c.announce(bodySize)
			c.write(strings.Repeat("x", bodySize))

			c.reads(refused)
			c.seesTheEnd()
			if read := s.read.Load(); read != bodySize {
				t.Errorf("the server read %d bytes, want all %d", read, bodySize)
			}
		})
	}
}

// A client that stops within the body gets the answer at once. The server closes the connection when the time limit
// is over.
func TestClientThatStops(t *testing.T) {
	t.Parallel()
	s := newServer(t, refuse, drain.Limits{Bytes: 2 * bodySize, Time: 100 * time.Millisecond})
	c := s.dial(t)

	c.announce(bodySize)
	c.write("a few bytes")

	c.reads(refused)
	c.seesTheEnd()
}

// The answer does not wait for the body, not even for a small one that net/http would read before it answers.
func TestAnswerComesBeforeTheBody(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100 << 10, bodySize} {
		s := newServer(t, refuse, generous)
		c := s.dial(t)

		c.announce(size)
		c.reads(refused)
		c.write(strings.Repeat("x", size))

		c.seesTheEnd()
	}
}

// The server cuts off a client that sends more than the byte limit.
func TestClientThatGoesOnSending(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	s := newServer(t, refuse, drain.Limits{Bytes: limit, Time: 10 * patience})
	c := s.dial(t)
	c.write("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
	sent := make(chan error, 1)
	go func() { // ends when the server closes the connection
		chunk := []byte("10000\r\n" + strings.Repeat("x", 64<<10) + "\r\n")
		for {
			if _, err := c.Write(chunk); err != nil {
				sent <- err
				return
			}
		}
	}()

	c.reads(refused)

	if err := <-sent; isTimeout(err) {
		t.Errorf("the server goes on: %v", err)
	}
	if read := s.read.Load(); read != limit {
		t.Errorf("the server read %d bytes, want %d", read, limit)
	}
}

// A client that waits for 100 Continue gets the refusal, and does not have to send its body.
func TestClientThatWaitsToBeAsked(t *testing.T) {
	t.Parallel()
	s := newServer(t, refuse, generous)
	c := s.dial(t)

	c.announce(bodySize, "Expect: 100-continue\r\n")

	c.reads(refused) // http.ReadResponse would return a 100 as a separate answer
	c.seesTheEnd()
	if read := s.read.Load(); read > 0 {
		t.Errorf("the server read %d bytes", read)
	}
}

// A connection stays open if the request's body was read, or if there is none.
func TestConnectionIsKept(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		check(t, err)
		switch r.URL.Path {
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/silent":
		default:
			_, err = fmt.Fprintf(w, "got %d", len(body))
			check(t, err)
		}
	}, generous)
	c := s.dial(t)
	for _, test := range []struct {
		method, path, rest string
		want               answer
	}{
		{"POST", "/", "Content-Length: 5\r\n\r\nhello", answer{200, 5, false, "got 5"}},
		{"POST", "/", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", answer{200, 5, false, "got 5"}},
		{"PATCH", "/empty", "Content-Length: 5\r\n\r\nhello", answer{204, 0, false, ""}},
		{"POST", "/silent", "Content-Length: 0\r\n\r\n", answer{200, 0, false, ""}},
		{"HEAD", "/", "\r\n", answer{200, -1, false, ""}},
		{"GET", "/", "\r\n", answer{200, 5, false, "got 0"}},
	} {
		c.write(test.method + " " + test.path + " HTTP/1.1\r\nHost: test\r\n" + test.rest)
		if diff := cmp.Diff(test.want, c.read(test.method)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", test.method, test.path, diff)
		}
	}
}

// An answer is sent in one piece, so it cannot be flushed before its end. Informational answers (1xx) are sent at
// once.
func TestAnswerIsHeld(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		refuse(w, r)
		if err := http.NewResponseController(w).Flush(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("flush: got %v", err)
		}
	}, generous)
	c := s.dial(t)

	c.announce(bodySize)

	c.reads(answer{Status: http.StatusEarlyHints})
	c.reads(refused)
}

func TestUploadLimits(t *testing.T) {
	t.Parallel()
	want := drain.Limits{Bytes: 100<<20 + 64<<20, Time: 20 * time.Second}
	if got := drain.UploadLimits(100 << 20); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

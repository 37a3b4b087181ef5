package api_test

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// conn is a raw connection on which a test can write any bytes.
type conn struct {
	net.Conn
	tb     testing.TB
	reader *bufio.Reader
}

func dial(tb testing.TB, s *apptest.Server) *conn {
	tb.Helper()
	c := testserver.Dial(tb, strings.TrimPrefix(s.URL, "http://"))
	return &conn{Conn: c, tb: tb, reader: bufio.NewReader(c)}
}

func (c *conn) write(text string) {
	c.tb.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		c.tb.Fatalf("the server does not take what is sent: %v", err)
	}
}

// answer reads one response.
func (c *conn) answer() answer {
	c.tb.Helper()
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		c.tb.Fatalf("read the answer: %v", err)
	}
	return read(c.tb, response)
}

// head is the request line and the headers of a request with a token.
func head(method, path, token string, lines ...string) string {
	lines = append([]string{method + " " + path + " HTTP/1.1", "Host: test", "Authorization: Bearer " + token}, lines...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func newReader(text string) *bufio.Reader { return bufio.NewReader(strings.NewReader(text)) }

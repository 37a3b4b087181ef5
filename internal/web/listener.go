package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"risingstars/internal/web/lang"
	"risingstars/internal/web/problem"
)

// wording is a listener for the refusals that net/http writes by itself, as plain text, to a client that does not
// speak valid HTTP: a malformed request line, a header that is too large. Its connections rewrite them as problems
// (RFC 9457).
type wording struct{ net.Listener }

func (l wording) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return worded{tcp}, err
	}
	return c, err
}

// worded embeds *net.TCPConn and not net.Conn, so that net/http still finds ReadFrom and the other methods of a TCP
// connection (sendfile needs them).
type worded struct{ *net.TCPConn }

// plainRefusal follows the status line of the answers that net/http writes by itself. No other answer contains it.
const plainRefusal = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// Write implements net.Conn. It replaces a plain-text refusal of net/http with the problem of the same status. All
// other bytes go through unchanged.
func (c worded) Write(p []byte) (int, error) {
	line, _, plain := bytes.Cut(p[:min(len(p), 256)], []byte(plainRefusal))
	if !plain || bytes.Contains(line, []byte("\n")) {
		return c.TCPConn.Write(p) //nolint:wrapcheck // net/http looks at what it is
	}
	words := strings.Fields(string(line)) // HTTP/1.1 400 Bad Request
	if len(words) < 2 {
		return c.TCPConn.Write(p) //nolint:wrapcheck // the same
	}
	status, err := strconv.Atoi(words[1])
	if err != nil {
		return c.TCPConn.Write(p) //nolint:wrapcheck // the same
	}
	body, err := json.Marshal(problem.ProblemForStatus(status, "", lang.Spanish)) // Spanish: net/http has read no Accept-Language header
	if err != nil {
		panic(err) // strings and numbers only
	}
	_, err = fmt.Fprintf(c.TCPConn, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nCache-Control: no-store\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, http.StatusText(status), problem.MediaType, len(body), body)
	return len(p), err //nolint:wrapcheck // the same
}

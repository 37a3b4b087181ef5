package bare

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Ask sends requests on a connection, one after the other, until end or until next returns nil, and returns how many
// were answered with 200. Any other answer is an error. It reads as little as possible, so that the server is the
// bottleneck. next returns a whole request.
func Ask(conn io.ReadWriter, end time.Time, next func() []byte) (n int64, err error) {
	r := bufio.NewReaderSize(conn, 64<<10)
	for time.Now().Before(end) {
		request := next()
		if request == nil {
			return n, nil
		}
		if _, err := conn.Write(request); err != nil {
			return n, err
		}
		if err := skipResponse(r); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// skipResponse reads one answer with a Content-Length, which must be a 200.
func skipResponse(r *bufio.Reader) error {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(status), "HTTP/1.1 200") {
		return fmt.Errorf("got %s", status)
	}
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			break
		}
		if digits, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(digits))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("an answer without a Content-Length")
	}
	_, err = r.Discard(length)
	return err
}

package uploads

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/web/problem"
)

// A client that sends its whole piece before it reads gets the refusal, whether this package or the tus handler
// refuses.
func TestRefusalsReachClientsThatStillSend(t *testing.T) {
	t.Parallel()
	const piece = 12 << 20 // more than the kernel buffers of a body that the server does not read
	tests := map[string]struct {
		full        error
		path        func(*front) string
		offset      string
		contentType string
		want        int
	}{
		"no such upload":     {nil, func(*front) string { return Path + "/none" }, "0", "application/offset+octet-stream", http.StatusNotFound},
		"no space":           {contest.ErrNoSpace, func(f *front) string { return f.begin(100) }, "0", "application/offset+octet-stream", http.StatusInsufficientStorage},
		"another offset":     {nil, func(f *front) string { return f.begin(100) }, "7", "application/offset+octet-stream", http.StatusConflict},
		"another type":       {nil, func(f *front) string { return f.begin(100) }, "0", "text/plain", http.StatusBadRequest},
		"more than was said": {nil, func(f *front) string { return f.begin(100) }, "0", "application/offset+octet-stream", http.StatusRequestEntityTooLarge},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t)
			path := test.path(f)
			f.full = test.full
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				f.ServeHTTP(w, r.WithContext(problem.WithScope(r.Context(), &problem.Scope{ID: "x"})))
			}))
			t.Cleanup(server.Close)
			c, err := net.Dial("tcp", server.Listener.Addr().String())
			check(t, err)
			t.Cleanup(func() { _ = c.Close() })
			check(t, c.SetDeadline(time.Now().Add(time.Minute)))

			_, err = fmt.Fprintf(c, "PATCH %s HTTP/1.1\r\nHost: test\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
				path, test.offset, test.contentType, piece)
			check(t, err)
			if _, err := io.WriteString(c, strings.Repeat("x", piece)); err != nil {
				t.Errorf("the server does not take what is sent: %v", err)
			}

			got, err := http.ReadResponse(bufio.NewReader(c), nil)
			check(t, err)
			if got.StatusCode != test.want || got.ContentLength < 0 || !got.Close {
				t.Errorf("got %s, Content-Length %d, close %t; want %d", got.Status, got.ContentLength, got.Close, test.want)
			}
		})
	}
}

package api_test

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// During a graceful shutdown, running requests finish and new connections are refused.
func TestStopIsGentle(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "STOP_GRACE": "1h"})
	p := newPlayer(t, s, "")
	id := p.uploaded("Bandeja")
	stream := p.follow(id)
	stream.next()
	contentType, body := form(title("Triple"), video(clip(t)))
	upload := dial(t, s)
	upload.write(head("POST", "/api/videos/upload", p.token, "Content-Type: "+contentType, "Content-Length: "+strconv.Itoa(len(body))))
	upload.write(body[:len(body)/2])
	testserver.Eventually(t, "the upload is under way", func() bool {
		return strings.Contains(p.get("/metrics").body, "\nrisingstars_uploads_in_flight 1\n")
	})

	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop() }()

	stream.end()
	testserver.Eventually(t, "nobody is let in", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	upload.write(body[len(body)/2:])
	if got := upload.answer(); got.status != 201 {
		t.Errorf("the upload: got %d: %s", got.status, got.body)
	}
	if err := <-stopped; err != nil {
		t.Errorf("the program ended with: %v", err)
	}
	if got := look[int](t, s, `SELECT count(*) FROM videos`); got != 2 {
		t.Errorf("got %d videos, want 2", got)
	}
}

// A request that does not finish is cut off after the grace time.
func TestStopDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "STOP_GRACE": "500ms"})
	p := newPlayer(t, s, "")
	upload := dial(t, s)
	upload.write(head("POST", "/api/videos/upload", p.token, "Content-Type: multipart/form-data; boundary=b", "Content-Length: 1000"))
	upload.write("--b\r\n")
	testserver.Eventually(t, "the upload is under way", func() bool {
		return strings.Contains(p.get("/metrics").body, "\nrisingstars_uploads_in_flight 1\n")
	})

	if err := s.Stop(); err != nil {
		t.Errorf("the program ended with: %v", err)
	}
}

package api_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// stream is an open event stream.
type stream struct {
	tb    testing.TB
	lines *bufio.Scanner
}

// event is one event of a stream.
type event struct{ ID, Name, Data string }

// follow opens the event stream of a video.
func (c client) follow(id int64, header ...string) stream {
	c.tb.Helper()
	response, err := browser.Do(c.request("GET", path("/api/videos/{id}/events", id), nil, header...))
	if err != nil {
		c.tb.Fatal(err)
	}
	c.tb.Cleanup(func() { _ = response.Body.Close() })
	got := []string{response.Status, response.Header.Get("Content-Type"), response.Header.Get("Cache-Control"), response.Header.Get("X-Accel-Buffering")}
	if diff := cmp.Diff([]string{"200 OK", "text/event-stream; charset=utf-8", "no-store", "no"}, got); diff != "" {
		c.tb.Fatalf("stream (-want +got):\n%s", diff)
	}
	return stream{c.tb, bufio.NewScanner(response.Body)}
}

// read returns the next event, or false at the end of the stream (WHATWG HTML, section 9.2.6).
func (s stream) read() (e event, ok bool) {
	s.tb.Helper()
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch name {
		case "id":
			e.ID = value
		case "event":
			e.Name = value
		case "data":
			e.Data += value
		case "":
			if s.lines.Text() == "" && e != (event{}) {
				return e, true
			}
		default:
			s.tb.Fatalf("no line of a stream of events: %q", s.lines.Text())
		}
	}
	return e, false
}

func (s stream) next() event {
	s.tb.Helper()
	e, ok := s.read()
	if !ok {
		s.tb.Fatalf("the stream has ended: %v", s.lines.Err())
	}
	return e
}

// end waits for the end of the stream and fails if an event comes first.
func (s stream) end() {
	s.tb.Helper()
	if e, ok := s.read(); ok {
		s.tb.Fatalf("got %v, want the end of the stream", e)
	}
	if err := s.lines.Err(); err != nil {
		s.tb.Fatalf("the stream did not end, but broke: %v", err)
	}
}

func state(id int64, status, progress, failure string) string {
	return path(`{"video_id":{id},"status":"`+status+`","progress":`+progress+`,"failure_reason":`+failure+`}`, id)
}

// A stream of a settled video sends the current state and ends.
func TestEventsOfASettledVideo(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	processed := p.uploaded("Bandeja")
	process(t, shared(), processed)
	public := published(t, shared(), p, "Triple")
	failed := p.uploaded("Tapón")
	change(t, shared(), `UPDATE videos SET status = 'failed', failure = 'unplayable' WHERE id = $1`, failed)
	tests := []struct {
		name string
		id   int64
		lang string
		want event
	}{
		{"processed", processed, "", event{"1", "", state(processed, "processed", "100", "null")}},
		{"public", public, "", event{"1", "", state(public, "public", "100", "null")}},
		{"failed", failed, "", event{"1", "", state(failed, "failed", "0", `"El video no se pudo decodificar. Expórtalo de nuevo como MP4 (H.264 o HEVC) y vuelve a subirlo."`)}},
		{"failed, in English", failed, "en", event{"1", "", state(failed, "failed", "0", `"The video could not be decoded. Export it again as MP4 (H.264 or HEVC) and upload it again."`)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := p.as(t).in(test.lang)

			s := c.follow(test.id)

			if diff := cmp.Diff(test.want, s.next()); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			s.end()
			again := c.get(path("/api/videos/{id}/events", test.id), "Last-Event-ID", "1")
			if again.status != http.StatusNoContent || again.body != "" {
				t.Errorf("again: got %d %q, want 204", again.status, again.body)
			}
		})
	}
}

func TestEventsRefuse(t *testing.T) {
	t.Parallel()
	owner, other := newPlayer(t, shared(), ""), newPlayer(t, shared(), "")
	id := published(t, shared(), owner, "Triple")
	for _, lang := range []string{"", "en"} {
		other.in(lang).get(path("/api/videos/{id}/events", id)).refuses(refusal{403, "You are not authorized", nil})
		other.in(lang).get("/api/videos/999999/events", "Last-Event-ID", "7").refuses(refusal{404, "Video not found", nil})
	}
}

func TestEventsOfADeletion(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	id := p.uploaded("Bandeja")
	first, second := p.follow(id, "Last-Event-ID", "5"), p.follow(id)
	for _, s := range []stream{first, second} {
		if diff := cmp.Diff(event{"1", "", state(id, "uploaded", "0", "null")}, s.next()); diff != "" {
			t.Errorf("event (-want +got):\n%s", diff)
		}
	}

	p.delete(path("/api/videos/{id}", id)).decode(200, &struct{}{})

	for _, s := range []stream{first, second} {
		if got := s.next(); got.Name != "deleted" || !strings.Contains(got.Data, path(`"video_id":{id},`, id)) {
			t.Errorf("got %v, want deleted", got)
		}
		s.end()
	}
}

// A state that was not published as an event is found by reading the store.
func TestEventsThatAreNotAnnounced(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	id, deleted := p.uploaded("Bandeja"), p.uploaded("Triple")
	s, gone := p.follow(id), p.follow(deleted)
	got := []event{s.next(), gone.next()}

	change(t, shared(), `UPDATE videos SET status = 'processing' WHERE id = $1`, id)
	change(t, shared(), `DELETE FROM videos WHERE id = $1`, deleted)
	got = append(got, s.next(), gone.next())
	gone.end()
	process(t, shared(), id)
	got = append(got, s.next())
	s.end()

	want := []event{
		{"1", "", state(id, "uploaded", "0", "null")}, {"1", "", state(deleted, "uploaded", "0", "null")},
		{"2", "", state(id, "processing", "0", "null")}, {"2", "deleted", state(deleted, "uploaded", "0", "null")},
		{"3", "", state(id, "processed", "100", "null")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// The server notices that a client has disconnected.
func TestStreamsAreCounted(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	p := newPlayer(t, s, "")
	id := p.uploaded("Bandeja")
	count := func(n string) func() bool {
		return func() bool { return strings.Contains(p.get("/metrics").body, "\nrisingstars_event_streams "+n+"\n") }
	}
	c := dial(t, s)
	c.write(head("GET", path("/api/videos/{id}/events", id), p.token))
	testserver.Eventually(t, "one stream is counted", count("1"))
	_ = c.Close()
	testserver.Eventually(t, "no stream is counted", count("0"))
	p.do("HEAD", path("/api/videos/{id}/events", id), "") // starts no stream, although the connection stays open
	testserver.Eventually(t, "no stream is counted after HEAD", count("0"))
}

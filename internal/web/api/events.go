package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"risingstars/internal/contest"
	"risingstars/internal/live"
	"risingstars/internal/web/lang"
)

const eventsPath = "/api/videos/{id}/events"

// keepAlive is how often an idle stream sends a comment, so that proxies do not close the connection as idle.
const keepAlive = 15 * time.Second

// lookAgain is how often a stream reads the state from the store, because events between processes may be lost.
const lookAgain = 5 * time.Second

// state is the JSON data of one event.
type state struct {
	VideoID       int64   `json:"video_id"`
	Status        string  `json:"status"`
	Progress      int     `json:"progress"`
	FailureReason *string `json:"failure_reason"`
}

type eventsInput struct {
	Caller
	Languages
	VideoID
	LastEventID string `header:"Last-Event-ID" doc:"Sent by a browser that connects again."`
}

// events streams the states of a video as server-sent events (WHATWG HTML, section 9.2). The first event is the
// current state. The stream ends when the video is settled, or with an event "deleted". If the browser reconnects
// after that, the answer is 204, which tells it to stop.
func (a *API) events(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	watch := a.Live.Watch(ctx, in.ID.n) // before reading the state, so that no change in between is missed
	now, err := a.present(ctx, in.player, in.ID.n)
	if err != nil {
		watch.Close()
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		defer watch.Close()
		if in.LastEventID != "" && now.Status.IsSettled() {
			hctx.SetStatus(http.StatusNoContent)
			return
		}
		a.metrics.watchers.Inc()
		defer a.metrics.watchers.Dec()
		_, w := humago.Unwrap(hctx)
		s := stream{w: w, controller: http.NewResponseController(w), tag: lang.PreferredLanguage(in.AcceptLanguage)}
		s.begin()
		if hctx.Method() == http.MethodHead {
			return
		}
		look := func(ctx context.Context) (contest.Event, error) { return a.present(ctx, in.player, in.ID.n) }
		a.follow(hctx.Context(), &s, watch, now, look)
	}}, nil
}

// present is the video's current state as an event.
func (a *API) present(ctx context.Context, p contest.Player, id int64) (contest.Event, error) {
	running := a.Live.Progress(ctx, id)
	v, err := a.Videos.OwnVideo(ctx, p, id)
	return contest.Event{VideoID: id, Status: v.Status, Progress: progress(v, running), Failure: v.Failure}, err
}

// follow sends states until the video is settled or deleted, the client disconnects, or the server stops.
func (a *API) follow(ctx context.Context, s *stream, watch *live.Watch, now contest.Event,
	look func(context.Context) (contest.Event, error),
) {
	quiet, again := time.NewTicker(keepAlive), time.NewTicker(lookAgain)
	defer quiet.Stop()
	defer again.Stop()
	if s.send(now) != nil || now.Status.IsSettled() {
		return
	}
	for {
		e := now
		select {
		case <-ctx.Done():
			return
		case <-a.Stopping:
			return
		case <-quiet.C:
			if s.comment() != nil {
				return
			}
		case <-again.C:
			seen, err := look(ctx)
			switch {
			case errors.Is(err, contest.ErrNoVideo):
				e.Deleted = true
			case err == nil: // else the next look may succeed
				e = seen
			}
		case e = <-watch.News():
		}
		if e.Status == now.Status && e.Progress <= now.Progress && !e.Deleted {
			continue // not newer than what was sent
		}
		now = e
		if s.send(e) != nil || e.Deleted || e.Status.IsSettled() {
			return
		}
	}
}

// stream writes server-sent events.
type stream struct {
	w          http.ResponseWriter
	controller *http.ResponseController
	tag        lang.Tag
	sent       int
}

func (s *stream) begin() {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // makes nginx pass each event on without buffering
	s.w.WriteHeader(http.StatusOK)
}

func (s *stream) send(e contest.Event) error {
	s.sent++
	name := ""
	if e.Deleted {
		name = "event: deleted\n"
	}
	data, err := json.Marshal(state{e.VideoID, string(e.Status), e.Progress, failureReason(e.Failure, s.tag)})
	if err != nil {
		return fmt.Errorf("encode an event: %w", err)
	}
	return s.write(fmt.Sprintf("%sid: %d\ndata: %s\n\n", name, s.sent, data))
}

func (s *stream) comment() error { return s.write(": still here\n\n") }

func (s *stream) write(text string) error {
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("send an event: %w", err)
	}
	return s.controller.Flush()
}

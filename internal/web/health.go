package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"risingstars/internal/web/lang"
	"risingstars/internal/web/problem"
)

// checkTime bounds each readiness check.
const checkTime = 2 * time.Second

// Check is one dependency without which the platform cannot serve, such as the database or the storage.
type Check struct {
	Name string
	Run  func(context.Context) error
}

// Alive is the liveness probe. It answers 200 as long as the process can answer.
func Alive(w http.ResponseWriter, _ *http.Request) { writeJSON(w, "ok") }

// readyFor is how long the result of the readiness checks is cached. The checks write to the storage, and every
// client may call the probe.
const readyFor = time.Second

// Ready is the readiness probe. It answers 200 if every check succeeds, else 503 with the names of the checks that
// failed; the log has the causes. Concurrent probes run the checks one at a time, and at most once per readyFor.
func Ready(now func() time.Time, checks []Check) http.HandlerFunc {
	state := readiness{now: now, checks: checks}
	return func(w http.ResponseWriter, r *http.Request) {
		down, cause := state.ask(r.Context())
		if len(down) == 0 {
			writeJSON(w, "ready")
			return
		}
		if scope := problem.ScopeFromContext(r.Context()); scope != nil {
			scope.Cause = cause
		}
		text := lang.Text{ES: "No responde: ", EN: "Not answering: "}
		p := problem.NewProblem(http.StatusServiceUnavailable,
			text.In(lang.PreferredLanguage(r.Header.Get("Accept-Language")))+strings.Join(down, ", "))
		problem.WriteProblem(w, r, p)
	}
}

// readiness caches the result of the checks. The mutex makes concurrent probes wait for one run of the checks.
type readiness struct {
	now    func() time.Time
	checks []Check

	mu    sync.Mutex // held while the checks run
	asked time.Time
	down  []string
	cause error
}

func (s *readiness) ask(ctx context.Context) (down []string, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if since := s.now().Sub(s.asked); since >= 0 && since < readyFor {
		return s.down, s.cause
	}
	s.down, s.cause = nil, nil
	ctx = context.WithoutCancel(ctx) // other callers share the result, so it must not depend on one caller's context
	for _, c := range s.checks {
		if err := c.within(ctx, checkTime); err != nil {
			s.down = append(s.down, c.Name)
			s.cause = errors.Join(s.cause, fmt.Errorf("%s: %w", c.Name, err))
		}
	}
	s.asked = s.now()
	return s.down, s.cause
}

// within runs the check with a time limit.
func (c Check) within(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return c.Run(ctx)
}

// Root answers with the front page if the client accepts text/html, else with "Healthcheck" as JSON.
func Root(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept, Accept-Language")
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			page(w, r)
			return
		}
		writeJSON(w, "Healthcheck")
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain values only
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n')) // a client that has disconnected cannot be told
}

package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"risingstars/internal/web/lang"
	"risingstars/internal/web/problem"
)

// checkTime bounds each check of readiness.
const checkTime = 2 * time.Second

// Check is something that the platform cannot serve without.
type Check struct {
	Name string
	Run  func(context.Context) error
}

// Alive answers 200 as long as the process can answer at all.
func Alive(w http.ResponseWriter, _ *http.Request) { writeJSON(w, "ok") }

// Ready answers 200 while every check succeeds, else 503 naming those that do not; why is in the log.
func Ready(checks []Check) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var down []string
		var causes []error
		for _, c := range checks {
			ctx, cancel := context.WithTimeout(r.Context(), checkTime)
			if err := c.Run(ctx); err != nil {
				down = append(down, c.Name)
				causes = append(causes, fmt.Errorf("%s: %w", c.Name, err))
			}
			cancel()
		}
		if len(down) == 0 {
			writeJSON(w, "ready")
			return
		}
		if scope := problem.ScopeOf(r.Context()); scope != nil {
			scope.Cause = errors.Join(causes...)
		}
		text := lang.Text{ES: "No responde: ", EN: "Not answering: "}
		p := problem.New(http.StatusServiceUnavailable,
			text.In(lang.Accepted(r.Header.Get("Accept-Language")))+strings.Join(down, ", "))
		problem.Write(w, r, p)
	}
}

// Root answers the front page to browsers, and "Healthcheck" to everything that does not ask for a page.
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
	_, _ = w.Write(append(body, '\n')) // a client that has gone cannot be told
}

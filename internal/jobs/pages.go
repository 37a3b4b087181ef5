package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/riverqueue/river"
	"riverqueue.com/riverui"
)

// NewPages returns River's web interface, on which organizers see the jobs, for all paths below prefix, which has no
// trailing slash. To retry a job that has ended, it calls retry with the id of its video. Its background goroutines
// end with ctx. It does not authenticate requests; the caller must.
func NewPages(ctx context.Context, db Database, prefix string, log *slog.Logger,
	retry func(ctx context.Context, videoID int64) error,
) (http.Handler, error) {
	log = slog.New(quiet{log.Handler()})
	client, err := river.NewClient(db.driver, &river.Config{Logger: log})
	if err != nil {
		return nil, fmt.Errorf("prepare the pages of the job queue: %w", err)
	}
	pages, err := riverui.NewHandler(&riverui.HandlerOpts{
		Endpoints: riverui.NewEndpoints(client, nil), Logger: log, Prefix: prefix,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the pages of the job queue: %w", err)
	}
	if err := pages.Start(ctx); err != nil {
		return nil, fmt.Errorf("start the pages of the job queue: %w", err)
	}
	again := &retries{client: client, retry: retry, pages: pages}
	mux := http.NewServeMux()
	mux.Handle("POST "+prefix+"/api/jobs/retry", again)
	mux.Handle("/", pages)
	return slashed(prefix, mux), nil
}

// slashed adds the trailing slash to the path of the front page, which River's pages require and the platform's
// router does not.
func slashed(prefix string, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.TrimSuffix(r.URL.Path, "/") == prefix {
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = prefix+"/", ""
		}
		pages.ServeHTTP(w, r)
	})
}

package jobs

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"risingstars/internal/contest"
)

// retries handles the pages' requests to retry jobs. A job that has ended cannot run again, because its video has
// failed and no longer belongs to it. So the video gets a new job.
type retries struct {
	client *river.Client[*sql.Tx]
	retry  func(ctx context.Context, videoID int64) error
	pages  http.Handler
}

// retryRequest is the body that the pages send.
type retryRequest struct {
	IDs []json.Number `json:"ids"`
}

// ServeHTTP retries the videos of ended jobs, and passes all other jobs, and bodies that it cannot decode, to the
// pages.
func (p *retries) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the request cannot be read", http.StatusBadRequest)
		return
	}
	var request retryRequest
	if json.Unmarshal(body, &request) == nil && len(request.IDs) > 0 {
		rest, err := p.ended(r.Context(), request.IDs)
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError) // the caller logs the text
			return
		case len(rest) == 0:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"status":"ok"}`) // an error means that the client has disconnected
			return
		}
		if body, err = json.Marshal(retryRequest{rest}); err != nil {
			panic(err) // cannot fail for numbers
		}
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	p.pages.ServeHTTP(w, r)
}

// ended retries the videos of those jobs that have ended, if the videos have failed, and returns the ids of the other
// jobs.
func (p *retries) ended(ctx context.Context, ids []json.Number) (rest []json.Number, err error) {
	for _, number := range ids {
		id, err := number.Int64()
		if err != nil {
			return ids, nil //nolint:nilerr // the pages report the invalid id
		}
		job, err := p.client.JobGet(ctx, id)
		if errors.Is(err, rivertype.ErrNotFound) || err == nil && job.FinalizedAt == nil {
			rest = append(rest, number)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look up job %d: %w", id, err)
		}
		var args contest.ProcessVideo
		if err := json.Unmarshal(job.EncodedArgs, &args); err != nil {
			return nil, fmt.Errorf("read job %d: %w", id, err)
		}
		err = p.retry(ctx, args.VideoID)
		if err != nil && !errors.Is(err, contest.ErrNotFailed) && !errors.Is(err, contest.ErrNoVideo) {
			return nil, fmt.Errorf("retry the video of job %d: %w", id, err)
		}
	}
	return rest, nil
}

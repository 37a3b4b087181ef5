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

// retries stands in front of the pages where they try jobs again. A job that has ended cannot come back by itself: its
// video has failed, and is no longer its. So the video gets a new job.
type retries struct {
	client *river.Client[*sql.Tx]
	retry  func(ctx context.Context, videoID int64) error
	pages  http.Handler
}

// retryRequest is what the pages send.
type retryRequest struct {
	IDs []json.Number `json:"ids"`
}

// ServeHTTP leaves to the pages the jobs that have not ended, and what is no request of theirs.
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
			http.Error(w, err.Error(), http.StatusInternalServerError) // the text is for the log
			return
		case len(rest) == 0:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"status":"ok"}`) // a client that has gone cannot be told
			return
		}
		if body, err = json.Marshal(retryRequest{rest}); err != nil {
			panic(err) // numbers only
		}
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	p.pages.ServeHTTP(w, r)
}

// ended retries the videos of jobs that have ended, where they have failed, and returns the other jobs.
func (p *retries) ended(ctx context.Context, ids []json.Number) (rest []json.Number, err error) {
	for _, number := range ids {
		id, err := number.Int64()
		if err != nil {
			return ids, nil //nolint:nilerr // the pages say what is wrong with it
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

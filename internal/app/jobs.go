package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"risingstars/internal/contest"
	"risingstars/internal/store"
)

type jobsMenu struct {
	List  jobsList  `cmd:"" help:"List the videos that wait, are being processed, or have failed."`
	Retry jobsRetry `cmd:"" help:"Process failed videos again."`
}

type jobsRetry struct {
	All bool    `help:"All that have failed."`
	IDs []int64 `arg:"" optional:"" name:"video" help:"Ids of videos."`
}

// Run queues failed videos again. A running server processes them, and tells browsers at once if it shares Redis.
func (c jobsRetry) Run(r *runner) error {
	if c.All == (len(c.IDs) > 0) {
		return errors.New("name the videos to retry, or give --all")
	}
	return withContest(r, func(d *data, l contest.Live) error {
		retry := retrier{runner: r, videos: &contest.Videos{Store: d.store, Live: l, Clock: time.Now}}
		if c.All {
			return retry.all(d.store)
		}
		return retry.these(c.IDs)
	})
}

// withContest opens the contest and the shared state, for a command that changes what running servers show.
func withContest(r *runner, do func(*data, contest.Live) error) (err error) {
	d, err := openCurrent(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	log, flush := newLogger(r.settings, r.errOut)
	defer flush()
	l, release, err := openShared(r.ctx, r.settings, log, prometheus.NewRegistry())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	return do(d, l)
}

// retrier queues failed videos again and prints a line for each.
type retrier struct {
	*runner
	videos *contest.Videos
}

func (r retrier) one(id int64) error {
	v, err := r.videos.RetryVideoForOrganizer(r.ctx, id)
	if err != nil {
		return fmt.Errorf("video %d: %w", id, err)
	}
	_, err = fmt.Fprintf(r.out, "video %d is queued again as task %s\n", v.ID, v.TaskID)
	return err
}

// these tries each video and returns the errors of all that cannot be retried.
func (r retrier) these(ids []int64) error {
	var problems []error
	for _, id := range ids {
		if err := r.one(id); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// all stops at the first error, and prints the totals in any case. Videos that fail again during the run are not
// retried twice.
func (r retrier) all(s *store.Store) (err error) {
	queued, gone := 0, 0
	defer func() {
		_, printErr := fmt.Fprintf(r.out, "%d queued again, %d no longer failed\n", queued, gone)
		err = errors.Join(err, printErr)
	}()
	for v, err := range failedVideos(r.ctx, s) {
		if err == nil {
			err = r.one(v.ID)
		}
		switch {
		case err == nil:
			queued++
		case errors.Is(err, contest.ErrNotFailed), errors.Is(err, contest.ErrNoVideo):
			gone++
		default:
			return err
		}
	}
	return nil
}

// failedPage is how many failed videos one query reads.
const failedPage = 200

// failedVideos iterates over the failed videos, oldest first, page by page. It ends after an error.
func failedVideos(ctx context.Context, s *store.Store) iter.Seq2[contest.Video, error] {
	return func(yield func(contest.Video, error) bool) {
		var last contest.Video
		for {
			page, err := s.Failed(ctx, last, failedPage)
			if err != nil {
				yield(last, err)
				return
			}
			for _, v := range page {
				if !yield(v, nil) {
					return
				}
			}
			if len(page) < failedPage {
				return
			}
			last = page[len(page)-1]
		}
	}
}

// openCurrent opens the data for a command that neither serves nor migrates. It fails if there is no contest or its
// tables are not current.
func openCurrent(r *runner) (*data, error) {
	_, err := os.Stat(databasePath(r.settings))
	if r.settings.DatabaseURL == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no contest in %s; is DATA_DIR right?", r.settings.DataDir)
	}
	d, err := openData(r.ctx, r.settings, nil)
	if err != nil {
		return nil, err
	}
	schema, err := store.ReadSchema(r.ctx, d.db)
	if err == nil && !schema.Current() {
		err = errors.New("the database's tables are not those of this program: run risingstars migrate")
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/store"
)

type jobsList struct {
	Failed bool `help:"Only those that have failed."`
	JSON   bool `name:"json" help:"One JSON object a line, for programs."`
	Limit  int  `default:"100" placeholder:"N" help:"How many are listed at most; 0: all."`
}

// Run lists the unfinished videos first, then the failed ones.
func (c jobsList) Run(r *runner) (err error) {
	if c.Limit < 0 {
		return errors.New("--limit: must not be negative")
	}
	d, err := openCurrent(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	waiting := []contest.Video{}
	if !c.Failed {
		waiting, err = d.store.Unfinished(r.ctx, time.Now().Add(time.Hour))
		if err != nil {
			return err
		}
	}
	failed, err := d.store.CountFailed(r.ctx)
	if err != nil {
		return err
	}
	if !c.JSON && len(waiting)+failed == 0 {
		_, err := fmt.Fprintln(r.out, "Nothing waits, and nothing has failed.")
		return err
	}
	idle, err := idleVideos(r.ctx, d.store, waiting)
	if err != nil {
		return err
	}
	listed, err := c.list(r, d.store, waiting, idle)
	if err != nil {
		return err
	}
	notes := r.out
	if c.JSON {
		notes = r.errOut
	}
	if len(idle) > 0 {
		fmt.Fprintln(notes, "Nobody works on those that are interrupted: a worker takes them over within a minute, or serve at its start.")
	}
	if more := len(waiting) + failed - listed; c.Limit > 0 && more > 0 {
		_, err = fmt.Fprintf(notes, "%d more are not listed; --limit=0 lists all\n", more)
	}
	return err
}

// list prints the videos and returns how many it printed.
func (c jobsList) list(r *runner, s *store.Store, waiting []contest.Video, idle map[int64]bool) (listed int, err error) {
	add, flush := tableOf(r.out, idle)
	if c.JSON {
		add, flush = linesOf(r.out, idle)
	}
	full := func() bool { return c.Limit > 0 && listed == c.Limit }
	for _, v := range waiting {
		if full() {
			break
		}
		if err := add(v); err != nil {
			return listed, err
		}
		listed++
	}
	for v, err := range failedVideos(r.ctx, s) {
		if full() && err == nil {
			break
		}
		if err == nil {
			err = add(v)
		}
		if err != nil {
			return listed, err
		}
		listed++
	}
	return listed, flush()
}

// tableRows is how many rows are buffered in memory and aligned with each other.
const tableRows = 1000

// tableOf prints videos as a table for people.
func tableOf(out io.Writer, idle map[int64]bool) (add func(contest.Video) error, flush func() error) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "VIDEO\tSTATUS\tUPLOADED\tTASK\tWHY\tTITLE")
	rows := 0
	return func(v contest.Video) error {
		status := string(v.Status)
		if idle[v.ID] {
			status = "interrupted"
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", v.ID, status, v.UploadedAt.Format(time.RFC3339), v.TaskID,
			v.Failure, printable(v.Title))
		if rows++; rows%tableRows == 0 {
			return table.Flush()
		}
		return nil
	}, table.Flush
}

// listedJob is a line of jobs list --json. Fields may be added, but not renamed or removed.
type listedJob struct {
	VideoID    int64     `json:"video_id"`
	TaskID     string    `json:"task_id"`
	Status     string    `json:"status"`
	Failure    string    `json:"failure,omitempty"`
	UploadedAt time.Time `json:"uploaded_at"`
	Title      string    `json:"title"`
	Idle       bool      `json:"interrupted,omitempty"` // its status is processing, but no worker processes it
}

// linesOf prints videos as JSON lines for programs.
func linesOf(out io.Writer, idle map[int64]bool) (add func(contest.Video) error, flush func() error) {
	encoder := json.NewEncoder(out)
	return func(v contest.Video) error {
		return encoder.Encode(listedJob{v.ID, v.TaskID, string(v.Status), string(v.Failure), v.UploadedAt, v.Title, idle[v.ID]})
	}, func() error { return nil }
}

// printable escapes a title, so that control characters in it do not reach the terminal.
func printable(s string) string {
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

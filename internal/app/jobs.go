package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/live"
	"risingstars/internal/store"
)

type jobsMenu struct {
	List  jobsList  `cmd:"" help:"List the videos that wait, are being processed, or have failed."`
	Retry jobsRetry `cmd:"" help:"Process failed videos again."`
}

type jobsList struct {
	Failed bool `help:"Only those that have failed."`
}

// Run lists the videos whose processing is not done.
func (c jobsList) Run(r *runner) (err error) {
	d, err := openCurrent(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	list, err := d.store.Failed(r.ctx)
	if err != nil {
		return err
	}
	if !c.Failed {
		waiting, err := d.store.Unfinished(r.ctx, time.Now().Add(time.Hour))
		if err != nil {
			return err
		}
		list = append(waiting, list...)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(r.out, "Nothing waits, and nothing has failed.")
		return err
	}
	table := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "VIDEO\tSTATUS\tUPLOADED\tTASK\tWHY\tTITLE")
	for _, v := range list {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", v.ID, v.Status, v.UploadedAt.Format(time.RFC3339), v.TaskID,
			v.Failure, printable(v.Title))
	}
	return table.Flush()
}

// printable keeps a title from moving the terminal's cursor.
func printable(s string) string {
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

type jobsRetry struct {
	All bool    `help:"All that have failed."`
	IDs []int64 `arg:"" optional:"" name:"video" help:"Ids of videos."`
}

// Run queues failed videos again. A server that runs picks them up.
func (c jobsRetry) Run(r *runner) (err error) {
	if c.All == (len(c.IDs) > 0) {
		return errors.New("name the videos to retry, or give --all")
	}
	d, err := openCurrent(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	ids := c.IDs
	if c.All {
		failed, err := d.store.Failed(r.ctx)
		if err != nil {
			return err
		}
		for _, v := range failed {
			ids = append(ids, v.ID)
		}
	}
	return retry(r, d.store, ids)
}

func retry(r *runner, s *store.Store, ids []int64) error {
	videos := contest.Videos{Store: s, Live: live.NewLocal(time.Now), Clock: time.Now}
	var problems []error
	for _, id := range ids {
		v, err := videos.RetryAny(r.ctx, id)
		if err != nil {
			problems = append(problems, fmt.Errorf("video %d: %w", id, err))
			continue
		}
		fmt.Fprintf(r.out, "video %d is queued again as task %s\n", v.ID, v.TaskID)
	}
	return errors.Join(problems...)
}

// openCurrent opens the data for a command that neither serves nor migrates.
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

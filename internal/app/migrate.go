package app

import (
	"errors"
	"fmt"

	"risingstars/internal/store"
)

type migrate struct{}

// Run migrates the tables.
func (migrate) Run(r *runner) (err error) {
	db, err := openDatabase(r.ctx, r.settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	before, err := store.Migrate(r.ctx, db)
	if err != nil {
		return err
	}
	if before.Current() {
		fmt.Fprintf(r.out, "The tables are up to date (version %d, job queue %d).\n", before.Contest, before.Queue)
		return nil
	}
	fmt.Fprintf(r.out, "The tables were brought from version %d to %d, the job queue's from %d to %d.\n",
		before.Contest, before.ContestWanted, before.Queue, before.QueueWanted)
	return nil
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"
)

// crowds lets writers of the same row share a commit, on an engine whose writers otherwise work side by side. Whoever
// changes a row holds it until the commit is on disk, so that votes for one star are as many a second as flushes are; a
// commit for all who wait makes them as many as statements are. Writers of different rows do not wait for each other.
// Votes whose rows nobody holds share a commit whatever star they are for.
type crowds struct {
	db      *sql.DB
	watch   *watchman
	time    time.Duration // that an operation has, with all others and with those for its star together
	votes   group
	seats   chan struct{}
	observe Observe

	mu   sync.Mutex
	rows map[int64]*crowd
}

// newCrowds lets crowds have half of the pool's connections, since each may wait on its own for whoever holds its row, and the
// others who need the pool must not.
func newCrowds(db *DB, observe Observe) *crowds {
	c := &crowds{
		db: db.Writer, watch: db.watch, time: writeTime, observe: observe, rows: map[int64]*crowd{},
		seats: make(chan struct{}, max(1, db.Writer.Stats().MaxOpenConnections/2)),
	}
	c.votes = group{votes: db.votes, alone: elsewhere{}, watch: db.watch, observe: c.observing("votes_together")}
	return c
}

func (c *crowds) observing(operation string) func(time.Duration, error) {
	return func(took time.Duration, err error) { c.observe(operation, took, err) }
}

// elsewhere leaves operations to somebody else.
type elsewhere struct{}

func (elsewhere) run(context.Context, func(context.Context, *sql.Tx) error) error {
	return errNotTogether
}

// crowd is who writes the same row at the moment.
type crowd struct {
	group
	members int
}

// cast gives a ballot with all others, or, if that cannot be, with those for the same star, in one time for both.
func (c *crowds) cast(ctx context.Context, b *ballot, do func(context.Context, *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.time)
	defer cancel()
	err := c.votes.runWrite(ctx, &write{do: do, ballot: b})
	if !errors.Is(err, errNotTogether) {
		return err
	}
	g := c.enter(b.videoID)
	defer c.leave(b.videoID)
	return g.runWrite(ctx, &write{do: do, ballot: b})
}

// run does an operation on the row with the key, as group does.
func (c *crowds) run(ctx context.Context, key int64, do func(context.Context, *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.time)
	defer cancel()
	g := c.enter(key)
	defer c.leave(key)
	return g.runWrite(ctx, &write{do: do})
}

func (c *crowds) enter(key int64) *crowd {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.rows[key]
	if g == nil {
		g = &crowd{group: group{
			db: c.db, alone: repeated{c.db}, watch: c.watch, seats: c.seats, observe: c.observing("votes_for_one_together"),
		}}
		c.rows[key] = g
	}
	g.members++
	return g
}

func (c *crowds) leave(key int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.rows[key]
	if g.members--; g.members == 0 {
		delete(c.rows, key)
	}
}

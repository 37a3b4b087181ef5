package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"
)

// crowds is the group commit of PostgreSQL, which otherwise runs writers in parallel. A transaction keeps the lock of a
// row until its commit is on disk, so without batches each player would get one vote per flush. A batch flushes once for
// all of its votes. Writers of different rows do not wait for each other. Votes whose rows are not locked share a
// commit, whichever players they are for.
type crowds struct {
	db      *sql.DB
	retry   retrier
	watch   *watchman
	time    time.Duration // limit for an operation, all its attempts together
	votes   group
	seats   chan struct{}
	observe Observe

	mu   sync.Mutex
	rows map[int64]*crowd
}

// newCrowds limits the groups that run at a time, by a semaphore, to half of the pool's connections: each group may wait
// for a row lock while it keeps a connection, and other operations need connections too.
func newCrowds(db *DB, retry retrier, observe Observe) *crowds {
	c := &crowds{
		db: db.Writer, retry: retry, watch: db.watch, time: writeTime, observe: observe, rows: map[int64]*crowd{},
		seats: make(chan struct{}, max(1, db.Writer.Stats().MaxOpenConnections/2)),
	}
	c.votes = group{votes: db.votes, alone: elsewhere{}, watch: db.watch, observe: c.observing("votes_together")}
	return c
}

func (c *crowds) observing(operation string) func(time.Duration, error) {
	return func(took time.Duration, err error) { c.observe(operation, took, err) }
}

// elsewhere does not retry a vote, but returns [errNotTogether], so that crowds.cast hands it to the group of its
// video.
type elsewhere struct{}

func (elsewhere) run(context.Context, func(context.Context, *sql.Tx) error) error {
	return errNotTogether
}

// crowd is the group of the callers that write the same row now. The last one that leaves removes it.
type crowd struct {
	group
	members int
}

// cast casts a pending vote in the batch of all votes. If that returns [errNotTogether], it casts the vote in the group
// of its video, which waits for row locks. One time limit bounds both.
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

// run runs an operation in the group of the row with the key. It ignores the cancellation of ctx and has a time limit
// of its own.
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
			db: c.db, alone: c.retry, watch: c.watch, seats: c.seats, observe: c.observing("votes_for_one_together"),
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

package store

import (
	"context"
	"errors"
	"time"

	"risingstars/internal/contest"
)

// lookups batches the reading of players by id: callers that come while a query runs share the next one. Each request
// of a signed-in user begins with such a lookup. SQLite does not need it, because a query costs no round trip.
type lookups struct {
	store *Store
	line  line[*lookup]
}

// lookup is the id of one player to read, and the result.
type lookup struct {
	id     int64
	player contest.Player
	err    error
}

// lookupTime bounds a shared query. The query does not end with the leader's request, because other callers wait for
// it.
const lookupTime = 10 * time.Second

// player reads a player as it is at some moment after the call began. It returns [contest.ErrNotSignedIn] if there is
// none.
func (l *lookups) player(ctx context.Context, id int64) (contest.Player, error) {
	q := &lookup{id: id}
	if l.line.join(q) {
		l.lead(ctx)
	}
	return q.player, q.err
}

// lead runs one query for all callers in the batch.
func (l *lookups) lead(ctx context.Context) {
	batch := l.line.next(maxGroup)
	defer l.line.done(batch)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTime)
	defer cancel()
	asked := items(batch)
	ids := make([]int64, len(asked))
	for i, q := range asked {
		ids[i], q.err = q.id, errNotRead
	}
	found, err := many(ctx, l.store, "player_by_id", scanPlayer,
		`SELECT `+playerColumns+` FROM players WHERE id = ANY(CAST($1 AS BIGINT[]))`, ids)
	players := make(map[int64]contest.Player, len(found))
	for _, p := range found {
		players[p.ID] = p
	}
	for _, q := range asked {
		p, ok := players[q.id]
		if err == nil && !ok {
			q.err = contest.ErrNotSignedIn
		} else {
			q.player, q.err = p, err
		}
	}
}

// errNotRead is the result of the followers if the leader panics.
var errNotRead = errors.New("player_by_id: the query did not end")

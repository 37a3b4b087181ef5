package store

import (
	"context"
	"errors"
	"time"

	"risingstars/internal/contest"
)

// lookups let those who look for players by their ids share a query: who comes while one is under way waits for the next. Every
// request of somebody who is signed in begins with one. On SQLite, which is asked without a round trip, they would gain nothing.
type lookups struct {
	store *Store
	line  line[*lookup]
}

// lookup is one player to look for, and what was found.
type lookup struct {
	id     int64
	player contest.Player
	err    error
}

// lookupTime bounds a shared query, which goes on when the one whose turn it was has gone.
const lookupTime = 10 * time.Second

// player reads a player as it is after the call began.
func (l *lookups) player(ctx context.Context, id int64) (contest.Player, error) {
	q := &lookup{id: id}
	if l.line.join(q) {
		l.lead(ctx)
	}
	return q.player, q.err
}

// lead looks for all who wait.
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

// errNotRead is for those for whom a query that panicked was made.
var errNotRead = errors.New("player_by_id: the query did not end")

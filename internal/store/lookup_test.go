package store

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/testserver"
)

// Callers that read a player while a query runs share the next query, and each gets its own result.
func TestLookupsShareAQuery(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 1, 5)
	var queries atomic.Int64
	s.observe = func(operation string, _ time.Duration, _ error) {
		if operation == "player_by_id" {
			queries.Add(1)
		}
	}
	ids := []int64{1 << 40, 1, 1, 2, 2, 3, 3, 4, 5} // there is no such player
	leader := &place[*lookup]{wake: make(chan bool, 1)}
	if !s.lookups.line.stand(leader) {
		t.Fatal("the queue has a leader already")
	}
	batch := s.lookups.line.next(1)
	type answer struct {
		id    int64
		found contest.Player
		err   error
	}
	answers := make(chan answer, len(ids))
	for _, id := range ids {
		go func() {
			found, err := s.PlayerByID(t.Context(), id)
			answers <- answer{id, found, err}
		}()
	}
	until(t, "all wait", func() bool { return s.lookups.line.length() == len(ids) })

	s.lookups.line.done(batch)

	for range ids {
		a := <-answers
		if nobody := a.id == ids[0]; nobody != errors.Is(a.err, contest.ErrNotSignedIn) || !nobody && (a.err != nil || a.found.ID != a.id) {
			t.Errorf("player %d: got %d, %v", a.id, a.found.ID, a.err)
		}
	}
	if n := queries.Load(); n != 1 {
		t.Errorf("%d queries, want one for all", n)
	}
}

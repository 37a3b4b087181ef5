package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"risingstars/internal/contest"
)

// The vote batch: votes that reach PostgreSQL while another batch commits are cast together in one statement, whichever
// players they are for. The statement is also the commit. It uses SQL that only PostgreSQL has; SQLite has no round
// trips to save. Reasons and measurements: docs/adr/0027-batch-votes-on-postgresql.md.

// ballot is a pending vote and its result.
type ballot struct {
	videoID, voterID int64
	at               time.Time // whole microseconds
	from             contest.VoteSignal

	votes int // of the video, this one included
}

// errNotTogether means that a vote cannot be cast in the batch: a row that it needs is locked by another transaction or
// missing, or the batch has failed.
var errNotTogether = errors.New("it cannot be given together with others")

// castAtOnce casts the pending votes of the batch in one statement that is its own transaction, so it costs one round
// trip. It uses SKIP LOCKED: a vote whose rows another transaction has locked ends with [errNotTogether]. ctx must last
// until no vote of the batch has time left, because cancelling the statement would leave the outcome of all of them
// unknown. If the commit outcome is unknown, the error is [errUnsure].
func castAtOnce(ctx context.Context, pool *pgxpool.Pool, batch []*write) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("take a connection: %w", err)
	}
	defer conn.Release()
	first, again := unrepeated(batch)
	rows, err := conn.Query(ctx, castPassing, parameters(first)...)
	if err == nil {
		var list []outcome
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (outcome, error) { return scanOutcome(row) })
		if err == nil {
			conclude(first, list, true)
			concludeAgain(again)
			return nil
		}
	}
	if unsure(err) {
		err = fmt.Errorf("%w: %w", errUnsure, err)
	}
	return fmt.Errorf("give the votes: %w", err)
}

// castTogether casts the pending votes of the batch in one statement in tx, which waits for row locks, and returns the
// operations that are no pending votes. The votes of such a batch are for one video, so votes for other players do not
// wait for its lock.
func castTogether(ctx context.Context, tx *sql.Tx, batch []*write) (left []*write, err error) {
	ballots, left := parted(batch)
	if len(ballots) == 0 {
		return left, nil
	}
	first, again := unrepeated(ballots)
	// PostgreSQL plans this statement each time. A plan cached while there were no votes would scan the whole table
	// until the next ANALYZE.
	rows, err := tx.QueryContext(ctx, castWaiting, append([]any{pgx.QueryExecModeCacheDescribe}, parameters(first)...)...)
	if err != nil {
		return nil, fmt.Errorf("give the votes: %w", err)
	}
	list, err := all(rows, scanOutcome)
	if err != nil {
		return nil, fmt.Errorf("give the votes: %w", err)
	}
	conclude(first, list, false)
	concludeAgain(again)
	return left, nil
}

// parted separates the writes with a pending vote from those without.
func parted(batch []*write) (with, without []*write) {
	for _, w := range batch {
		if w.ballot != nil {
			with = append(with, w)
		} else {
			without = append(without, w)
		}
	}
	return with, without
}

// repeat is a pending vote (again) for which the batch has an earlier one (of) of the same voter for the same video.
type repeat struct{ of, again *write }

func unrepeated(batch []*write) (first []*write, again []repeat) {
	seen := make(map[[2]int64]*write, len(batch))
	first = make([]*write, 0, len(batch))
	for _, w := range batch {
		pair := [2]int64{w.ballot.voterID, w.ballot.videoID}
		if of := seen[pair]; of != nil {
			again = append(again, repeat{of, w})
			continue
		}
		seen[pair] = w
		first = append(first, w)
	}
	return first, again
}

// The statement that casts a batch of votes: castPassing skips locked rows, castWaiting waits for them.
var (
	castPassing = castStatement(`SELECT voter_id FROM wanted`, ` SKIP LOCKED`)
	castWaiting = castStatement(`SELECT voter_id FROM wanted UNION ALL SELECT player_id FROM wanted`, ``)
)

// castStatement takes row locks: first on the players that players selects, then on the standings of those who get
// votes, each by id (lock_order.go). Counting the players before it looks for standings forces that order. castPassing
// locks only the voters. castWaiting also locks the players who get votes, because its transaction may go on to write
// more of their rows. A vote that is refused locks nothing, so a batch of refusals has nothing to flush.
//
// Each vote for a player gets its own moment, and stores the moment of the vote before it. The moment is the vote's
// own, or 1 µs after the vote before it if it is not later ([following]). Without recursion, the moment of a player's
// k-th vote in the batch is the latest of: its own at; the at of each earlier vote plus 1 µs for each step between the
// two; reached_at plus k µs.
//
// The statement's snapshot does not have a moderation decision that was committed while the statement waited for the
// standing's lock. The locked row is the latest version, so its number of decisions (decided_now) differs from the
// snapshot's (decided). player_id is then NULL, the INSERT fails, and the votes are retried without this batch.
//
// If another transaction has inserted the same vote since the snapshot, the INSERT fails on the primary key. One scalar
// subquery for each vote checks whether it exists, because the planner cannot turn those into a scan of all votes.
func castStatement(players, locked string) string {
	return `
		WITH asked AS MATERIALIZED (
			SELECT a.*, v.player_id,
				COALESCE(
					(SELECT TRUE FROM votes WHERE votes.voter_id = a.voter_id AND votes.video_id = a.video_id),
					(SELECT TRUE FROM votes_set_aside AS o WHERE o.voter_id = a.voter_id AND o.video_id = a.video_id)) AS voted,
				(SELECT decided FROM standings WHERE standings.player_id = v.player_id) AS decided
			FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[]), CAST($3 AS TIMESTAMPTZ[]), CAST($4 AS TEXT[]), CAST($5 AS BIGINT[]))
				WITH ORDINALITY AS a (video_id, voter_id, at, origin, voter_age, n)
			LEFT JOIN videos AS v ON v.id = a.video_id AND v.status = 'public'
		), wanted AS MATERIALIZED (
			SELECT * FROM asked WHERE player_id <> voter_id AND voted IS NULL
		), p AS MATERIALIZED (
			SELECT id FROM players WHERE id IN (` + players + `) ORDER BY id
			FOR KEY SHARE OF players` + locked + `
		), s AS MATERIALIZED (
			SELECT player_id, reached_at, decided AS decided_now FROM standings
			WHERE player_id IN (SELECT player_id FROM wanted) AND (SELECT count(*) FROM p) >= 0 ORDER BY player_id
			FOR NO KEY UPDATE OF standings` + locked + `
		), stepped AS (
			SELECT w.*, s.reached_at, s.decided_now, row_number() OVER (PARTITION BY w.player_id ORDER BY w.n) * INTERVAL '1 microsecond' AS step
			FROM wanted AS w JOIN p ON p.id = w.voter_id JOIN s ON s.player_id = w.player_id
		), timed AS (
			SELECT *, step + GREATEST(reached_at, max(at - step) OVER (PARTITION BY player_id ORDER BY n)) AS voted_at FROM stepped
		), given AS MATERIALIZED (
			SELECT *, COALESCE(lag(voted_at) OVER (PARTITION BY player_id ORDER BY n), reached_at) AS before_at FROM timed
		), entered AS (
			INSERT INTO votes (voter_id, video_id, player_id, voted_at, before_at, origin, voter_age)
			SELECT voter_id, video_id, CASE WHEN decided = decided_now THEN player_id END, voted_at, before_at, origin, voter_age
			FROM given
		), moved AS (
			UPDATE standings AS s SET votes = s.votes + g.votes, reached_at = g.voted_at, before_at = g.before_at
			FROM (
				SELECT player_id, count(*) AS votes, max(voted_at) AS voted_at, max(before_at) AS before_at
				FROM given GROUP BY player_id
			) AS g
			WHERE s.player_id = g.player_id
		), counted AS (
			UPDATE videos AS v SET votes = v.votes + g.votes
			FROM (SELECT video_id, count(*) AS votes FROM given GROUP BY video_id) AS g
			WHERE v.id = g.video_id
			RETURNING v.id, v.votes
		)
		SELECT asked.n, COALESCE(asked.player_id, 0), asked.voted IS NOT NULL, p.id IS NOT NULL, given.n IS NOT NULL, COALESCE(counted.votes, 0)
		FROM asked
		LEFT JOIN p ON p.id = asked.voter_id
		LEFT JOIN given ON given.n = asked.n
		LEFT JOIN counted ON counted.id = asked.video_id
		ORDER BY asked.n`
}

// parameters returns the arguments of castStatement: one array for each column of the pending votes.
func parameters(batch []*write) []any {
	videos, voters, ages := make([]int64, len(batch)), make([]int64, len(batch)), make([]int64, len(batch))
	moments, origins := make([]time.Time, len(batch)), make([]string, len(batch))
	for i, w := range batch {
		b := w.ballot
		videos[i], voters[i], moments[i] = b.videoID, b.voterID, b.at
		origins[i], ages[i] = b.from.Origin, int64(b.from.VoterAge/time.Second)
	}
	return []any{videos, voters, moments, origins, ages}
}

// outcome is the statement's result for the n-th pending vote, counted from 1.
type outcome struct {
	n        int
	playerID int64 // owner of the video; 0: there is no such public video
	voted    bool  // the voter has a vote for this video already
	voter    bool  // the voter's row was locked
	given    bool
	votes    int // of the video, after the whole batch
}

func scanOutcome(row scanner) (o outcome, err error) {
	return o, row.Scan(&o.n, &o.playerID, &o.voted, &o.voter, &o.given, &o.votes)
}

// conclude gives each pending vote its result. The statement counts a video's votes after the whole batch, so conclude
// subtracts the later votes of the batch. passed is whether the statement skipped locked rows.
func conclude(batch []*write, list []outcome, passed bool) {
	later := make(map[int64]int, len(list))
	for _, o := range slices.Backward(list) {
		w := batch[o.n-1]
		if !o.given {
			w.err = o.refusal(w.ballot.voterID, passed)
			continue
		}
		w.ballot.votes = o.votes - later[w.ballot.videoID]
		later[w.ballot.videoID]++
	}
}

// concludeAgain gives each repeated vote the error of the first one, or [contest.ErrAlreadyVoted] if that was cast.
func concludeAgain(list []repeat) {
	for _, r := range list {
		if r.again.err = r.of.err; r.of.err == nil {
			r.again.err = contest.ErrAlreadyVoted
		}
	}
}

// refusal returns why a vote was not cast. If the statement skipped locked rows (passed), a missing row may be locked
// by another transaction; if it waited, the row has been deleted.
func (o outcome) refusal(voterID int64, passed bool) error {
	if o.playerID == 0 {
		return contest.ErrNoVideo
	}
	err := mayVote(o.playerID, voterID, o.voted)
	switch {
	case err != nil:
		return err
	case passed:
		return errNotTogether
	case !o.voter:
		return contest.ErrNotSignedIn
	}
	return contest.ErrNoVideo
}

// giveAlone is give with row locks in the order of castStatement. It returns [contest.ErrNotSignedIn] if the voter has
// been deleted.
func (b *ballot) giveAlone(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `
		SELECT id FROM players WHERE id IN (CAST($1 AS BIGINT), (SELECT player_id FROM videos WHERE id = $2)) ORDER BY id FOR KEY SHARE`,
		b.voterID, b.videoID)
	if err != nil {
		return err
	}
	players, err := all(rows, func(row scanner) (id int64, err error) { return id, row.Scan(&id) })
	if err != nil {
		return err
	}
	if !slices.Contains(players, b.voterID) {
		return contest.ErrNotSignedIn
	}
	return b.give(ctx, tx)
}

// mayVote applies the contest's rule for a vote on a public video. voted is whether the voter has a vote for it
// already.
func mayVote(ownerID, voterID int64, voted bool) error {
	if err := (contest.Video{PlayerID: ownerID, Status: contest.Public}).CanReceiveVoteFrom(contest.Player{ID: voterID}); err != nil {
		return err
	}
	if voted {
		return contest.ErrAlreadyVoted
	}
	return nil
}

// following returns the moment of a vote: its own, or 1 µs after the vote before it if its own is not later. Clocks of
// processes differ, and can go back.
func following(before, at time.Time) time.Time {
	if at.After(before) {
		return at
	}
	return before.Add(time.Microsecond)
}

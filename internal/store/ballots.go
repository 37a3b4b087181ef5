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

// The vote batch: votes that arrive at PostgreSQL while others are being committed are cast together, whichever player they
// are for, in one statement that is also the commit. The statement is PostgreSQL's own; SQLite has no round trips that could
// be saved. docs/adr/0027-batch-votes-on-postgresql.md has the reasons and the figures.

// ballot is a pending vote, and what came of it.
type ballot struct {
	videoID, voterID int64
	at               time.Time // of whole microseconds
	from             contest.VoteSignal

	votes int // of the video, with this one
}

// errNotTogether says that a vote cannot be given with the others: somebody else holds what it needs, or it is not there.
var errNotTogether = errors.New("it cannot be given together with others")

// castAtOnce gives the ballots of the batch in a transaction that begins and ends with its only statement, so that it costs one
// round trip. It passes over those whose rows somebody else holds. As long as ctx lasts, which is as long as anybody in the batch
// has time, it goes on: to end it is not to know of any. Where nobody knows whether it was committed, the error is
// [errUnsure].
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

// castTogether gives the ballots in the batch, waiting for whoever holds their rows, and leaves what is none. Whoever gives
// ballots for one star alone is in nobody's way.
func castTogether(ctx context.Context, tx *sql.Tx, batch []*write) (left []*write, err error) {
	ballots, left := parted(batch)
	if len(ballots) == 0 {
		return left, nil
	}
	first, again := unrepeated(ballots)
	// Planned anew each time: a plan that was kept from when there were no votes would read them all, until the next ANALYZE.
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

// parted tells writes with a ballot from those without.
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

// repeat is a ballot of somebody who has another for the same video in the batch, before it.
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

// The statement that gives ballots, passing over rows that somebody else holds, or waiting for them.
var (
	castPassing = castStatement(` SKIP LOCKED`)
	castWaiting = castStatement(``)
)

// castStatement takes row locks: first on the voters, then on the standings of the players, each by id. Counting the voters
// before it looks for standings forces that order. The deletion of an account locks in the same order, so neither waits for a
// lock that the other holds. A vote that is refused locks nothing, so a batch of refusals has nothing to flush.
//
// The moments of the votes for a player are its chain: each is its own, or a microsecond after the one before it where that is not
// earlier, as [following] has it. In other words, the k-th is the latest of its own moment, of each earlier one's and a microsecond for
// each step between the two, and of the player's and k microseconds.
//
// What organizers have decided about the player while its row was waited for, the statement does not see: it counts decisions, and
// then has no player to enter, which fails it.
//
// A vote that somebody has entered meanwhile is a primary key that is there, and fails the statement. Whether there is one
// is asked by a subquery for each, which the planner cannot turn into reading all votes.
func castStatement(locked string) string {
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
			SELECT id FROM players WHERE id IN (SELECT voter_id FROM wanted) ORDER BY id
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

// parameters are what castStatement wants.
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

// outcome is what has become of the ballot with the number n, counted from 1.
type outcome struct {
	n        int
	playerID int64 // whose video it is; 0: there is none that everybody may see
	voted    bool  // the voter had, for this video
	voter    bool  // the voter's row was taken
	given    bool
	votes    int // of the video, with all that were given
}

func scanOutcome(row scanner) (o outcome, err error) {
	return o, row.Scan(&o.n, &o.playerID, &o.voted, &o.voter, &o.given, &o.votes)
}

// conclude tells each ballot what has become of it. The last that was given for a video has its count.
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

// concludeAgain tells whoever had a ballot before in the same batch.
func concludeAgain(list []repeat) {
	for _, r := range list {
		if r.again.err = r.of.err; r.of.err == nil {
			r.again.err = contest.ErrAlreadyVoted
		}
	}
}

// refusal is why a ballot was not given. Rows that could not be had are somebody else's if they were passed over, and gone if they
// were waited for.
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

// giveAlone is give with the rows taken in the order of castStatement.
func (b *ballot) giveAlone(ctx context.Context, tx *sql.Tx) error {
	var id int64
	err := tx.QueryRowContext(ctx, `SELECT id FROM players WHERE id = $1 FOR KEY SHARE`, b.voterID).Scan(&id)
	if err != nil {
		return orNone(err, contest.ErrNotSignedIn)
	}
	return b.give(ctx, tx)
}

// mayVote is the rule for a public video.
func mayVote(ownerID, voterID int64, voted bool) error {
	if err := (contest.Video{PlayerID: ownerID, Status: contest.Public}).CanReceiveVoteFrom(contest.Player{ID: voterID}); err != nil {
		return err
	}
	if voted {
		return contest.ErrAlreadyVoted
	}
	return nil
}

// following is the moment of a vote: its own, or just after the one before it where clocks differ or have gone back.
func following(before, at time.Time) time.Time {
	if at.After(before) {
		return at
	}
	return before.Add(time.Microsecond)
}

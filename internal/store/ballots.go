package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"risingstars/internal/contest"
)

// Votes that arrive at PostgreSQL while others are being committed are given together, whomever they are for: two statements
// and one commit for all. These statements are PostgreSQL's own; SQLite has no round trips that could be saved.

// ballot is a vote on its way, and what came of it.
type ballot struct {
	videoID, voterID int64
	at               time.Time // of whole microseconds
	from             contest.Signal

	votes int // of the video, with this one
}

// verdict is a write whose ballot has been decided together with others: the chain's link, or why there is none.
type verdict struct {
	*write

	playerID   int64 // whose video it is
	at, before time.Time
}

// errNotTogether says that a vote cannot be given with the others: somebody else holds what it needs, or it is not there, or
// somebody has voted since the batch was judged.
var errNotTogether = errors.New("it cannot be given together with others")

// castTogether gives the ballots in the batch, and leaves those that cannot be given together with the others: where it is to pass,
// those whose rows somebody else holds. Passing, it waits for nobody, so that nobody's trouble is everybody's; not passing,
// whoever gives ballots for one star alone is in nobody's way.
func castTogether(ctx context.Context, tx *sql.Tx, batch []*write, pass bool) (left []*write, err error) {
	ballots, left := parted(batch)
	if len(ballots) == 0 {
		return left, nil
	}
	good, held, err := judge(ctx, tx, ballots, pass)
	if err == nil && len(good) > 0 {
		err = enter(ctx, tx, good)
	}
	return append(left, held...), err
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

// judge takes the rows of voters and stars, refuses what the rules refuse, and gives each other vote its moment. That somebody has
// voted meanwhile, enter will notice.
func judge(ctx context.Context, tx *sql.Tx, batch []*write, pass bool) (good []verdict, held []*write, err error) {
	stars, err := lockRows(ctx, tx, batch, pass)
	if err != nil {
		return nil, nil, fmt.Errorf("take the stars: %w", err)
	}
	latest, seen := map[int64]time.Time{}, map[[2]int64]bool{}
	for _, star := range stars {
		w := batch[star.n-1]
		pair := [2]int64{w.ballot.voterID, w.ballot.videoID}
		w.err = star.refuses(w.ballot.voterID, seen[pair], pass)
		if errors.Is(w.err, errNotTogether) {
			held = append(held, w)
		}
		if w.err != nil {
			continue
		}
		seen[pair] = true
		before, ok := latest[star.playerID]
		if !ok {
			before = star.reached
		}
		at := following(before, w.ballot.at)
		latest[star.playerID] = at
		good = append(good, verdict{write: w, playerID: star.playerID, at: at, before: before})
	}
	return good, held, nil
}

// star is what there is for the ballot with the number n, counted from 1.
type star struct {
	n        int
	public   bool  // there is such a video, and everybody may see it
	playerID int64 // whose video it is
	taken    bool  // the player's place is held for the ballot
	voter    bool  // the voter's row is, too
	reached  time.Time
	voted    bool // the voter has, for this video
}

// refuses is why a ballot cannot be given. Rows that could not be had are somebody else's if they were passed over, and gone if they
// were waited for.
func (s star) refuses(voterID int64, again, pass bool) error {
	switch {
	case !s.public:
		return contest.ErrNoVideo
	case pass && !(s.taken && s.voter):
		return errNotTogether
	case !s.voter:
		return contest.ErrNotSignedIn
	case !s.taken:
		return contest.ErrNoVideo
	}
	return mayVote(s.playerID, voterID, s.voted || again)
}

// lockRows takes the rows of the voters, then those of the stars, each in the order of their numbers, and lists the stars. That is
// the order in which an account is deleted, so that neither waits for what the other is waiting to let go.
func lockRows(ctx context.Context, tx *sql.Tx, batch []*write, pass bool) ([]star, error) {
	videos, voters := make([]int64, len(batch)), make([]int64, len(batch))
	for i, w := range batch {
		videos[i], voters[i] = w.ballot.videoID, w.ballot.voterID
	}
	skip := ""
	if pass {
		skip = ` SKIP LOCKED`
	}
	// Counting the voters takes all of them before the first star. Planned anew each time: a plan that was kept from when there
	// were no votes would read them all, until the next ANALYZE.
	rows, err := tx.QueryContext(ctx, `
		WITH asked AS MATERIALIZED (
			SELECT a.n, a.voter_id, a.video_id, v.player_id
			FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[])) WITH ORDINALITY AS a (video_id, voter_id, n)
			LEFT JOIN videos AS v ON v.id = a.video_id AND v.status = 'public'
		), p AS MATERIALIZED (
			SELECT id FROM players WHERE id IN (SELECT voter_id FROM asked) ORDER BY id
			FOR KEY SHARE OF players`+skip+`
		), s AS MATERIALIZED (
			SELECT player_id, reached_at FROM standings
			WHERE player_id IN (SELECT player_id FROM asked) AND (SELECT count(*) FROM p) >= 0 ORDER BY player_id
			FOR NO KEY UPDATE OF standings`+skip+`
		)
		SELECT asked.n, asked.player_id IS NOT NULL, COALESCE(asked.player_id, 0), s.player_id IS NOT NULL, p.id IS NOT NULL,
			COALESCE(s.reached_at, 'epoch'), votes.voter_id IS NOT NULL
		FROM asked
		LEFT JOIN p ON p.id = asked.voter_id
		LEFT JOIN s ON s.player_id = asked.player_id
		LEFT JOIN votes ON votes.voter_id = asked.voter_id AND votes.video_id = asked.video_id
		ORDER BY asked.player_id, asked.n`, pgx.QueryExecModeCacheDescribe, videos, voters)
	if err != nil {
		return nil, err
	}
	return all(rows, func(row scanner) (s star, err error) {
		return s, row.Scan(&s.n, &s.public, &s.playerID, &s.taken, &s.voter, (*timestamp)(&s.reached), &s.voted)
	})
}

// giveAlone is give with the rows taken in the order of lockRows.
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
	if err := (contest.Video{PlayerID: ownerID, Status: contest.Public}).CanVote(contest.Player{ID: voterID}); err != nil {
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

// enter writes the votes and counts them.
func enter(ctx context.Context, tx *sql.Tx, list []verdict) error {
	voters, videos, players := make([]int64, len(list)), make([]int64, len(list)), make([]int64, len(list))
	moments, befores := make([]time.Time, len(list)), make([]time.Time, len(list))
	origins, ages := make([]string, len(list)), make([]int64, len(list))
	for i, v := range list {
		b := v.ballot
		voters[i], videos[i], players[i], moments[i], befores[i] = b.voterID, b.videoID, v.playerID, v.at, v.before
		origins[i], ages[i] = b.from.Origin, int64(b.from.VoterAge/time.Second)
	}
	rows, err := tx.QueryContext(ctx, `
		WITH given AS (
			INSERT INTO votes (voter_id, video_id, player_id, voted_at, before_at, origin, voter_age)
			SELECT * FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[]), CAST($3 AS BIGINT[]),
				CAST($4 AS TIMESTAMPTZ[]), CAST($5 AS TIMESTAMPTZ[]), CAST($6 AS TEXT[]), CAST($7 AS BIGINT[]))
			ON CONFLICT (voter_id, video_id) DO NOTHING
			RETURNING video_id, player_id, voted_at, before_at
		), moved AS (
			UPDATE standings AS s SET votes = s.votes + g.votes, reached_at = g.voted_at, before_at = g.before_at
			FROM (
				SELECT player_id, count(*) AS votes, max(voted_at) AS voted_at, max(before_at) AS before_at
				FROM given GROUP BY player_id
			) AS g
			WHERE s.player_id = g.player_id
		)
		UPDATE videos AS v SET votes = v.votes + g.votes
		FROM (SELECT video_id, count(*) AS votes FROM given GROUP BY video_id) AS g
		WHERE v.id = g.video_id
		RETURNING v.id, v.votes, g.votes`, voters, videos, players, moments, befores, origins, ages)
	if err != nil {
		return fmt.Errorf("enter the votes: %w", err)
	}
	entered, counts := 0, map[int64]int{}
	_, err = all(rows, func(row scanner) (none struct{}, err error) {
		var id int64
		var votes, more int
		err = row.Scan(&id, &votes, &more)
		counts[id] = votes
		entered += more
		return none, err
	})
	if err != nil {
		return fmt.Errorf("enter the votes: %w", err)
	}
	if entered != len(list) { // somebody has voted since judge looked: all are looked at anew
		return errNotTogether
	}
	for _, v := range slices.Backward(list) {
		b := v.ballot
		b.votes = counts[b.videoID]
		counts[b.videoID]--
	}
	return nil
}

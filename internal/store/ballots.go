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

// castTogether gives the ballots in the batch, and leaves those that cannot be given together with the others: of people or videos that
// are not there, and, where it is to pass, whose rows somebody else holds. Passing, it waits for nobody, so that nobody's
// trouble is everybody's; not passing, whoever gives ballots for one star alone is in nobody's way.
func castTogether(ctx context.Context, tx *sql.Tx, batch []*write, pass bool) (left []*write, err error) {
	ballots, left := parted(batch)
	if len(ballots) == 0 {
		return left, nil
	}
	good, absent, err := judge(ctx, tx, ballots, pass)
	if err == nil && len(good) > 0 {
		err = enter(ctx, tx, good)
	}
	return append(left, absent...), err
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

// judge takes the rows of voters and stars, refuses what the rules refuse, and gives each other vote its moment. Whatever
// it does not find is absent. That somebody has voted meanwhile, enter will notice.
func judge(ctx context.Context, tx *sql.Tx, batch []*write, pass bool) (good []verdict, absent []*write, err error) {
	taken, err := lockRows(ctx, tx, batch, pass)
	if err != nil {
		return nil, nil, fmt.Errorf("take the stars: %w", err)
	}
	latest, seen, found := map[int64]time.Time{}, map[[2]int64]bool{}, make([]bool, len(batch))
	for _, star := range taken {
		w := batch[star.n-1]
		found[star.n-1] = true
		pair := [2]int64{w.ballot.voterID, w.ballot.videoID}
		if w.err = mayVote(star.playerID, w.ballot.voterID, star.voted || seen[pair]); w.err != nil {
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
	for i, w := range batch {
		if !found[i] {
			absent = append(absent, w)
		}
	}
	return good, absent, nil
}

// star is what there is for the ballot with the number n, counted from 1.
type star struct {
	n        int
	playerID int64
	reached  time.Time // when the player reached the votes that stand
	voted    bool      // the voter has, for this video
}

// lockRows takes the rows of voters and stars, and lists them star by star.
func lockRows(ctx context.Context, tx *sql.Tx, batch []*write, pass bool) ([]star, error) {
	videos, voters := make([]int64, len(batch)), make([]int64, len(batch))
	for i, w := range batch {
		videos[i], voters[i] = w.ballot.videoID, w.ballot.voterID
	}
	skip := ""
	if pass {
		skip = ` SKIP LOCKED`
	}
	// Planned anew each time: a plan that was kept from when there were no votes would read them all, until the next ANALYZE.
	rows, err := tx.QueryContext(ctx, `
		SELECT asked.n, s.player_id, s.reached_at, votes.voter_id IS NOT NULL
		FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[])) WITH ORDINALITY AS asked (video_id, voter_id, n)
		JOIN videos AS v ON v.id = asked.video_id AND v.status = 'public'
		JOIN players AS p ON p.id = asked.voter_id
		JOIN standings AS s ON s.player_id = v.player_id
		LEFT JOIN votes ON votes.voter_id = asked.voter_id AND votes.video_id = asked.video_id
		ORDER BY s.player_id, asked.n
		FOR KEY SHARE OF p`+skip+`
		FOR NO KEY UPDATE OF s`+skip, pgx.QueryExecModeCacheDescribe, videos, voters)
	if err != nil {
		return nil, err
	}
	return all(rows, func(row scanner) (s star, err error) {
		return s, row.Scan(&s.n, &s.playerID, (*timestamp)(&s.reached), &s.voted)
	})
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

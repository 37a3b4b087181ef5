package store

import (
	"context"
	"database/sql"
	"time"

	"risingstars/internal/contest"
)

// remembered is how many positions are stored, which bounds the cost. They are the first of the nation, so the city
// positions that follow from them are right: the players of a city among them are that city's first.
const remembered = 10_000

// RememberRanking implements [contest.VoteStore].
func (s *Store) RememberRanking(ctx context.Context, at, olderThan time.Time) error {
	return s.write(ctx, "remember_ranking", func(ctx context.Context, tx *sql.Tx) error {
		if err := s.lockRows(ctx, tx, `LOCK TABLE standings_before IN SHARE ROW EXCLUSIVE MODE`); err != nil { // one at a time
			return err
		}
		var recent int
		err := tx.QueryRowContext(ctx,
			`SELECT count(*) FROM standings_before WHERE taken_at > $1`, timestamp(olderThan)).Scan(&recent)
		if err != nil || recent > 0 {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM standings_before`); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO standings_before (player_id, position, city_position, taken_at)
			SELECT player_id,
				row_number() OVER (ORDER BY votes DESC, reached_at, player_id),
				row_number() OVER (PARTITION BY city_key ORDER BY votes DESC, reached_at, player_id),
				$1
			FROM (
				SELECT player_id, city_key, votes, reached_at FROM standings
				ORDER BY votes DESC, reached_at, player_id
				LIMIT $2
			) AS first`, timestamp(at), remembered)
		return err
	})
}

// RankingPosition implements [contest.VoteStore].
func (s *Store) RankingPosition(ctx context.Context, playerID int64) (int, error) {
	return one(ctx, s, "place", scanInt, contest.ErrNoPlayer, placeOf, playerID)
}

// placeOf selects a player's position in the nation.
const placeOf = `
	SELECT (
		SELECT count(*) FROM standings AS other
		WHERE other.votes >= mine.votes AND (other.votes > mine.votes
			OR other.reached_at < mine.reached_at
			OR (other.reached_at = mine.reached_at AND other.player_id <= mine.player_id))
	) FROM standings AS mine WHERE mine.player_id = $1`

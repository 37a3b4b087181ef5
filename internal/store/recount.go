package store

import (
	"context"
	"database/sql"
	"time"
)

// recount computes a player's counters, chain and standing from its votes. The caller must have locked the standing.
func recount(ctx context.Context, tx *sql.Tx, playerID int64) error {
	if err := untie(ctx, tx, playerID); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM votes_taken_back WHERE player_id = $1`,
		`UPDATE votes SET before_at = l.before_at
		FROM (
			SELECT voter_id, video_id, COALESCE(
				lag(voted_at) OVER (ORDER BY voted_at, voter_id, video_id),
				(SELECT min(published_at) FROM videos WHERE player_id = $1 AND status = 'public'),
				voted_at) AS before_at
			FROM votes WHERE player_id = $1
		) AS l
		WHERE votes.voter_id = l.voter_id AND votes.video_id = l.video_id AND votes.before_at <> l.before_at`,
		`UPDATE videos SET votes = c.votes
		FROM (
			SELECT v.id, count(votes.voter_id) AS votes
			FROM videos AS v LEFT JOIN votes ON votes.video_id = v.id AND votes.player_id = $1
			WHERE v.player_id = $1 GROUP BY v.id
		) AS c
		WHERE videos.id = c.id AND videos.votes <> c.votes`,
	} {
		if _, err := tx.ExecContext(ctx, statement, playerID); err != nil {
			return err
		}
	}
	return rank(ctx, tx, playerID)
}

// rank computes a player's standing from its votes, or deletes it if the player has no public video.
func rank(ctx context.Context, tx *sql.Tx, playerID int64) error {
	var votes int
	var latest, published time.Time
	err := tx.QueryRowContext(ctx, `
		SELECT count(*), max(voted_at), (SELECT min(published_at) FROM videos WHERE player_id = $1 AND status = 'public')
		FROM votes WHERE player_id = $1`, playerID).Scan(&votes, (*timestamp)(&latest), (*timestamp)(&published))
	if err != nil {
		return err
	}
	if published.IsZero() {
		_, err := tx.ExecContext(ctx, `DELETE FROM standings WHERE player_id = $1`, playerID)
		return err
	}
	if votes == 0 {
		latest = published
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO standings (player_id, city_key, votes, reached_at)
		SELECT id, city_key, CAST($1 AS BIGINT), $2 FROM players WHERE id = $3
		ON CONFLICT (player_id) DO UPDATE SET votes = excluded.votes, reached_at = excluded.reached_at`,
		votes, timestamp(latest), playerID)
	return err
}

// untie gives each of a player's votes its own moment, as casting does: a reinstated vote may have the moment of a vote
// that was cast while it did not count.
//
// It sets both moments of a vote in one UPDATE, because PostgreSQL locks the voter when a transaction updates the same
// row twice (lock_order.go).
func untie(ctx context.Context, tx *sql.Tx, playerID int64) error {
	var tied int
	err := tx.QueryRowContext(ctx, `
		SELECT count(*) FROM (SELECT voted_at FROM votes WHERE player_id = $1 GROUP BY voted_at HAVING count(*) > 1) AS t`, playerID,
	).Scan(&tied)
	if err != nil || tied == 0 {
		return err
	}
	rows, err := tx.QueryContext(ctx, `
		SELECT voter_id, video_id, voted_at FROM votes WHERE player_id = $1 ORDER BY voted_at, voter_id, video_id`, playerID)
	if err != nil {
		return err
	}
	type vote struct {
		voterID, videoID int64
		at               time.Time
	}
	votes, err := all(rows, func(row scanner) (v vote, err error) {
		return v, row.Scan(&v.voterID, &v.videoID, (*timestamp)(&v.at))
	})
	if err != nil {
		return err
	}
	var before time.Time
	for _, v := range votes {
		previous, at := before, following(before, v.at)
		before = at
		if at.Equal(v.at) {
			continue
		}
		_, err := tx.ExecContext(ctx, `UPDATE votes SET voted_at = $1, before_at = $2 WHERE voter_id = $3 AND video_id = $4`,
			timestamp(at), timestamp(previous), v.voterID, v.videoID)
		if err != nil {
			return err
		}
	}
	return nil
}

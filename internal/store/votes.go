package store

import (
	"context"
	"database/sql"
	"time"

	"risingstars/internal/contest"
)

// AddVote implements [contest.VoteStore]. The primary key of the votes decides races: the second insert of the same
// person and video does nothing.
func (s *Store) AddVote(ctx context.Context, videoID, voterID int64, at time.Time) (votes int, err error) {
	err = s.writeRow(ctx, "add_vote", videoID, func(ctx context.Context, tx *sql.Tx) error {
		err := change(ctx, tx, contest.ErrAlreadyVoted, `
			INSERT INTO votes (video_id, voter_id, player_id, voted_at)
			SELECT id, $1, player_id, $2 FROM videos WHERE id = $3 AND status = 'public'
			ON CONFLICT (video_id, voter_id) DO NOTHING`, voterID, timestamp(at), videoID)
		if err != nil {
			return err
		}
		var playerID int64
		if votes, playerID, err = count(ctx, tx, videoID, +1); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE standings
			SET votes = votes + 1, reached_at = CASE WHEN votes = 0 OR reached_at < $1 THEN $1 ELSE reached_at END
			WHERE player_id = $2`, timestamp(at), playerID)
		return err
	})
	return votes, err
}

// RemoveVote implements [contest.VoteStore]. The moment at which the player reached the votes that are left is read
// again from the votes, through an index: by a statement of its own, after the player's row is held, so that it sees what
// others who held it before have committed.
func (s *Store) RemoveVote(ctx context.Context, videoID, voterID int64) (votes int, err error) {
	err = s.writeRow(ctx, "remove_vote", videoID, func(ctx context.Context, tx *sql.Tx) error {
		err := change(ctx, tx, contest.ErrNotVoted,
			`DELETE FROM votes WHERE video_id = $1 AND voter_id = $2`, videoID, voterID)
		if err != nil {
			return err
		}
		var playerID int64
		if votes, playerID, err = count(ctx, tx, videoID, -1); err != nil {
			return err
		}
		if _, err = tx.ExecContext(ctx, `UPDATE standings SET votes = votes - 1 WHERE player_id = $1`, playerID); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE standings
			SET reached_at = COALESCE(
				(SELECT max(voted_at) FROM votes WHERE player_id = $1),
				(SELECT min(published_at) FROM videos WHERE player_id = $1 AND status = 'public'),
				reached_at)
			WHERE player_id = $1`, playerID)
		return err
	})
	return votes, err
}

// Voted implements [contest.VoteStore].
func (s *Store) Voted(ctx context.Context, videoID, voterID int64) (bool, error) {
	n, err := one(ctx, s, "voted", scanInt, nil,
		`SELECT count(*) FROM votes WHERE video_id = $1 AND voter_id = $2`, videoID, voterID)
	return n > 0, err
}

// count changes the votes of a video and says whose it is.
func count(ctx context.Context, tx *sql.Tx, videoID int64, by int) (votes int, playerID int64, err error) {
	err = tx.QueryRowContext(ctx,
		`UPDATE videos SET votes = votes + $1 WHERE id = $2 RETURNING votes, player_id`, by, videoID,
	).Scan(&votes, &playerID)
	return votes, playerID, orNone(err, contest.ErrNoVideo)
}

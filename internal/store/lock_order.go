package store

import (
	"context"
	"database/sql"
	"fmt"

	"risingstars/internal/contest"
)

// The order of row locks. On PostgreSQL, two transactions that lock the same rows in different orders can each wait for
// the other. The server then aborts one of them with "deadlock detected" (40P01). So every transaction that writes locks
// rows in this order:
//
//  1. players, by id. A transaction that changes what belongs to a player locks the player's row with FOR NO KEY UPDATE
//     ([lockPlayer]). A transaction that writes rows which refer to players locks those players with FOR KEY SHARE first,
//     because their foreign keys take that lock: PostgreSQL checks the key of a row that is inserted, and again of a row
//     that the same transaction updates for the second time. Only the deletion of an account takes a lock for which
//     FOR KEY SHARE waits (FOR UPDATE), and only on one row ([Store.lockForDeletion]).
//  2. standings, by player_id. The lock of a standing protects the votes for its player, their chain and their number:
//     the player's rows in votes and votes_taken_back, and the counters of its public videos.
//  3. videos. A transaction that changes several videos of a player has locked the player or the standing. Any other
//     transaction changes one video, and locks no other.
//  4. votes_set_aside, by (voter_id, video_id). A moderation decision needs no order here: it has locked the player whom
//     the votes are for, and the voters.
//  5. sessions, uploads, standings_before. A transaction that changes several rows of a player has locked the player.
//     The deletion of expired rows skips those that another transaction has locked. One transaction at a time replaces
//     the ranking of the day before.
//  6. river_job: one job, or those that no other transaction has locked.
//  7. public_counts, by city_key: by triggers, when the transaction commits (migration 7).
//
// A vote batch is one statement ([castStatement]), which skips players and standings that are locked. It updates no row
// twice, so it locks only the players who vote.
//
// Rows of players are locked by SELECT, not by an UPDATE that changes nothing: that leaves no version of the row behind, and PostgreSQL
// can fail an UPDATE of a row that is locked FOR KEY SHARE while the UPDATE of another transaction is being rolled back ([lost]).
//
// SQLite has one transaction that writes at a time, and no locks of rows.

// locking is a SELECT with a clause that makes PostgreSQL lock the rows that it returns. SQLite has no such clause.
func (s *Store) locking(query, clause string) string {
	if s.crowds == nil {
		return query
	}
	return query + " " + clause
}

// lockRows runs one of PostgreSQL's statements that only lock. It does nothing on SQLite.
func (s *Store) lockRows(ctx context.Context, tx *sql.Tx, statement string, args ...any) error {
	if s.crowds == nil {
		return nil
	}
	_, err := tx.ExecContext(ctx, statement, args...)
	return err
}

// lockPlayer reads a player and locks its row until commit, so that no other transaction changes what the player has. It returns
// [contest.ErrNotSignedIn] if there is no such player.
func (s *Store) lockPlayer(ctx context.Context, tx *sql.Tx, id int64) (contest.Player, error) {
	p, err := scanPlayer(tx.QueryRowContext(ctx,
		s.locking(`SELECT `+playerColumns+` FROM players WHERE id = $1`, `FOR NO KEY UPDATE`), id))
	return p, orNone(err, contest.ErrNotSignedIn)
}

// lockActivePlayer is lockPlayer for what the player adds itself. It returns [contest.ErrAccountSuspended] if the account is suspended.
func (s *Store) lockActivePlayer(ctx context.Context, tx *sql.Tx, id int64) (contest.Player, error) {
	p, err := s.lockPlayer(ctx, tx, id)
	if err != nil {
		return p, err
	}
	return p, p.CanUploadOrPublish()
}

// lockActivePlayerOf is lockActivePlayer for the player of a video. It returns [contest.ErrNoVideo] if there is no such video.
func (s *Store) lockActivePlayerOf(ctx context.Context, tx *sql.Tx, videoID int64) (contest.Player, error) {
	p, err := scanPlayer(tx.QueryRowContext(ctx, s.locking(
		`SELECT `+playerColumns+` FROM players WHERE id = (SELECT player_id FROM videos WHERE id = $1)`, `FOR NO KEY UPDATE`), videoID))
	if err != nil {
		return p, orNone(err, contest.ErrNoVideo)
	}
	return p, p.CanUploadOrPublish()
}

// keepPlayerOf locks the player of a video against deletion, for transactions that update the video's row more than
// once.
func (s *Store) keepPlayerOf(ctx context.Context, tx *sql.Tx, videoID int64) error {
	return s.lockRows(ctx, tx, `
		SELECT FROM players WHERE id = (SELECT player_id FROM videos WHERE id = $1) FOR KEY SHARE`, videoID)
}

// keepVoted locks the player whom a vote is for against deletion.
func (s *Store) keepVoted(ctx context.Context, tx *sql.Tx, videoID, voterID int64) error {
	return s.lockRows(ctx, tx, `
		SELECT FROM players WHERE id = (SELECT player_id FROM votes WHERE voter_id = $1 AND video_id = $2) FOR KEY SHARE`, voterID, videoID)
}

// keepVoters locks a voter against deletion, or, if voterID is 0, all voters of the player's votes that do not count.
// It is for a transaction that has locked the player, and may void or reinstate such votes.
func (s *Store) keepVoters(ctx context.Context, tx *sql.Tx, playerID, voterID int64) error {
	if voterID != 0 {
		return s.lockRows(ctx, tx, `SELECT FROM players WHERE id = $1 FOR KEY SHARE`, voterID)
	}
	return s.lockRows(ctx, tx, `
		SELECT FROM players WHERE id IN (SELECT voter_id FROM votes_set_aside WHERE player_id = $1) ORDER BY id FOR KEY SHARE`, playerID)
}

// lockForDeletion locks a player's row, so that nothing that refers to it can be added; those of the players whom it has voted for, against
// their deletion; and the standings of all of them.
//
// Between the first statement and the second, the player may vote for a player with a lower id. Waiting for that row
// now would violate the lock order, so the third statement uses NOWAIT. If the row is locked, it fails with
// [errConflict], and the transaction is retried.
func (s *Store) lockForDeletion(ctx context.Context, tx *sql.Tx, id int64) error {
	const votedFor = `SELECT FROM players WHERE id IN (SELECT player_id FROM votes WHERE voter_id = $1)`
	if err := s.lockRows(ctx, tx, votedFor+` AND id < $1 ORDER BY id FOR KEY SHARE`, id); err != nil {
		return err
	}
	_, err := scanInt(tx.QueryRowContext(ctx, s.locking(`SELECT 1 FROM players WHERE id = $1`, `FOR UPDATE`), id))
	if err != nil {
		return orNone(err, contest.ErrNotSignedIn)
	}
	if err := s.lockRows(ctx, tx, votedFor+` AND id < $1 ORDER BY id FOR KEY SHARE NOWAIT`, id); err != nil {
		return fmt.Errorf("%w: %w", errConflict, err)
	}
	if err := s.lockRows(ctx, tx, votedFor+` AND id > $1 ORDER BY id FOR KEY SHARE`, id); err != nil {
		return err
	}
	return s.lockRows(ctx, tx, `
		SELECT FROM standings
		WHERE player_id IN (SELECT player_id FROM votes WHERE voter_id = $1 UNION ALL SELECT $1)
		ORDER BY player_id FOR NO KEY UPDATE`, id)
}

// lockVotesSetAside locks the votes that do not count and that the player has cast or received.
func (s *Store) lockVotesSetAside(ctx context.Context, tx *sql.Tx, id int64) error {
	return s.lockRows(ctx, tx, `
		SELECT FROM votes_set_aside WHERE player_id = $1 OR voter_id = $1 ORDER BY voter_id, video_id FOR UPDATE`, id)
}

package store

import (
	"context"
	"database/sql"
	"fmt"

	"risingstars/internal/contest"
)

// The order of row locks. On PostgreSQL, two transactions that lock the same rows in different orders can each wait for the other, and the
// server ends one of them with "deadlock detected" (40P01). So every transaction that writes locks rows in this order:
//
//  1. players, by id. A transaction that changes what belongs to a player locks the player's row with FOR NO KEY UPDATE ([lockPlayer]).
//     One that writes rows which refer to players locks these with FOR KEY SHARE before it goes on, since their foreign keys will:
//     PostgreSQL checks the key of a row that is inserted, and again of a row that a transaction updates for the second time. Only the
//     deletion of an account locks a row so that FOR KEY SHARE waits (FOR UPDATE), and only one row ([Store.lockForDeletion]).
//  2. standings, by player_id. A standing guards the votes for its player, the chain that they are, and their number: the player's rows in
//     votes and votes_taken_back, and the counters of its public videos.
//  3. videos. Whoever changes several of a player's has locked the player, or the standing; all others change one, and lock no more of them.
//  4. votes_set_aside, by (voter_id, video_id). A decision of organizers needs no order here: it has locked the player whom the votes are
//     for, and the voters.
//  5. sessions, uploads, standings_before. Whoever changes several of a player's has locked the player. What is removed for its age is
//     passed over where another transaction has locked it, and the ranking of the day before is replaced by one transaction at a time.
//  6. river_job: one job, or those that nobody has locked.
//  7. public_counts, by city_key: by triggers, when the transaction commits (migration 7).
//
// Votes that arrive together are one statement ([castStatement]), which passes over players and standings that are locked. It updates no
// row twice, and so locks only the players who vote.
//
// SQLite has one transaction that writes at a time, and no locks of rows.

// lockRows runs one of PostgreSQL's statements that lock. It does nothing on SQLite.
func (s *Store) lockRows(ctx context.Context, tx *sql.Tx, statement string, args ...any) error {
	if s.crowds == nil {
		return nil
	}
	_, err := tx.ExecContext(ctx, statement, args...)
	return err
}

// lockPlayer reads a player and keeps other transactions from changing what belongs to it, until this one ends: the row is written, if
// only as it was. [contest.ErrNotSignedIn] if there is none.
func lockPlayer(ctx context.Context, tx *sql.Tx, id int64) (contest.Player, error) {
	p, err := scanPlayer(tx.QueryRowContext(ctx,
		`UPDATE players SET country = country WHERE id = $1 RETURNING `+playerColumns, id))
	return p, orNone(err, contest.ErrNotSignedIn)
}

// lockActivePlayer is lockPlayer for what the player adds itself: [contest.ErrAccountSuspended] if organizers have shut the account.
func lockActivePlayer(ctx context.Context, tx *sql.Tx, id int64) (contest.Player, error) {
	p, err := lockPlayer(ctx, tx, id)
	if err != nil {
		return p, err
	}
	return p, p.CanUploadOrPublish()
}

// lockActivePlayerOf is lockActivePlayer for the player of a video. [contest.ErrNoVideo] if there is none.
func lockActivePlayerOf(ctx context.Context, tx *sql.Tx, videoID int64) (contest.Player, error) {
	p, err := scanPlayer(tx.QueryRowContext(ctx, `
		UPDATE players SET country = country WHERE id = (SELECT player_id FROM videos WHERE id = $1) RETURNING `+playerColumns, videoID))
	if err != nil {
		return p, orNone(err, contest.ErrNoVideo)
	}
	return p, p.CanUploadOrPublish()
}

// keepPlayerOf keeps the player of a video from being deleted: for who updates the video's row more than once.
func (s *Store) keepPlayerOf(ctx context.Context, tx *sql.Tx, videoID int64) error {
	return s.lockRows(ctx, tx, `
		SELECT FROM players WHERE id = (SELECT player_id FROM videos WHERE id = $1) FOR KEY SHARE`, videoID)
}

// keepVoted keeps the player whom a vote is for from being deleted.
func (s *Store) keepVoted(ctx context.Context, tx *sql.Tx, videoID, voterID int64) error {
	return s.lockRows(ctx, tx, `
		SELECT FROM players WHERE id = (SELECT player_id FROM votes WHERE voter_id = $1 AND video_id = $2) FOR KEY SHARE`, voterID, videoID)
}

// keepVoters keeps a voter, or (0) all voters of the player's votes that do not count, from being deleted: for a transaction that has
// locked the player, and may change such votes or let them count again.
func (s *Store) keepVoters(ctx context.Context, tx *sql.Tx, playerID, voterID int64) error {
	if voterID != 0 {
		return s.lockRows(ctx, tx, `SELECT FROM players WHERE id = $1 FOR KEY SHARE`, voterID)
	}
	return s.lockRows(ctx, tx, `
		SELECT FROM players WHERE id IN (SELECT voter_id FROM votes_set_aside WHERE player_id = $1) ORDER BY id FOR KEY SHARE`, playerID)
}

// lockForDeletion locks a player's row, so that nothing that refers to it can be added; those of the players whom it has voted for, against
// their deletion; and the standings of all of them. The first is written in a column that foreign keys may refer to, which is FOR UPDATE.
//
// Between the first statement and the second, the player may vote for one whose id is lower. To wait for such a row now would be the
// wrong order, so that the third statement fails where it would, and the transaction is repeated.
func (s *Store) lockForDeletion(ctx context.Context, tx *sql.Tx, id int64) error {
	const votedFor = `SELECT FROM players WHERE id IN (SELECT player_id FROM votes WHERE voter_id = $1)`
	if err := s.lockRows(ctx, tx, votedFor+` AND id < $1 ORDER BY id FOR KEY SHARE`, id); err != nil {
		return err
	}
	err := change(ctx, tx, contest.ErrNotSignedIn, `UPDATE players SET email_key = $1 WHERE id = $2`, contest.NewMediaToken(), id)
	if err != nil {
		return err
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

// lockVotesSetAside locks the votes that do not count of which a player is the voter, or whom they are for.
func (s *Store) lockVotesSetAside(ctx context.Context, tx *sql.Tx, id int64) error {
	return s.lockRows(ctx, tx, `
		SELECT FROM votes_set_aside WHERE player_id = $1 OR voter_id = $1 ORDER BY voter_id, video_id FOR UPDATE`, id)
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"risingstars/internal/contest"
)

// ChangePassword implements [contest.AccountStore].
func (s *Store) ChangePassword(ctx context.Context, p contest.Player, passwordHash string, at time.Time) (contest.Player, error) {
	act := contest.AuditEntry{At: at, Actor: contest.ByPlayer, Action: contest.ChangedPassword, PlayerID: p.ID}
	return s.setPassword(ctx, p, passwordHash, act, contest.ErrWrongPassword)
}

// ResetPassword implements [contest.AccountStore].
func (s *Store) ResetPassword(ctx context.Context, p contest.Player, passwordHash string, at time.Time) error {
	act := contest.AuditEntry{At: at, Actor: contest.ByOrganizer, Action: contest.ChangedPassword, PlayerID: p.ID}
	_, err := s.setPassword(ctx, p, passwordHash, act, contest.ErrNoPlayer)
	return err
}

// setPassword increments the player's session version (generation), which ends all of its tokens and sessions. It
// returns gone if the player has another session version by now, or is deleted.
func (s *Store) setPassword(ctx context.Context, p contest.Player, passwordHash string, act contest.AuditEntry, gone error) (contest.Player, error) {
	changed := p
	err := s.write(ctx, "change_password", func(ctx context.Context, tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `
			UPDATE players SET password_hash = $1, generation = generation + 1
			WHERE id = $2 AND generation = $3
			RETURNING generation`, passwordHash, p.ID, p.SessionVersion).Scan(&changed.SessionVersion)
		if err != nil {
			return orNone(err, gone)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE player_id = $1`, p.ID); err != nil {
			return err
		}
		return note(ctx, tx, act)
	})
	return changed, err
}

// VotesCastBy implements [contest.AccountStore].
func (s *Store) VotesCastBy(ctx context.Context, playerID int64) ([]contest.CastVote, error) {
	return many(ctx, s, "votes_by", func(row scanner) (v contest.CastVote, err error) {
		var age int64
		err = row.Scan(&v.VideoID, &v.Title, (*timestamp)(&v.VotedAt), &v.Counts, &v.Origin, &age)
		v.VoterAge = time.Duration(age) * time.Second
		return v, err
	}, `
		SELECT v.id, v.title, given.voted_at, given.counts, given.origin, given.voter_age
		FROM (
			SELECT video_id, voted_at, TRUE AS counts, origin, voter_age FROM votes WHERE voter_id = $1
			UNION ALL SELECT video_id, voted_at, FALSE, origin, voter_age FROM votes_set_aside WHERE voter_id = $1
		) AS given
		JOIN videos AS v ON v.id = given.video_id
		ORDER BY given.voted_at DESC, v.id DESC`, playerID)
}

// SessionsOfPlayer implements [contest.AccountStore].
func (s *Store) SessionsOfPlayer(ctx context.Context, playerID int64) ([]contest.Session, error) {
	return many(ctx, s, "sessions_of", func(row scanner) (v contest.Session, err error) {
		return v, row.Scan(&v.SessionVersion, (*timestamp)(&v.ExpiresAt))
	}, `SELECT generation, expires_at FROM sessions WHERE player_id = $1 AND expires_at > $2 ORDER BY expires_at DESC, token_hash`,
		playerID, timestamp(s.clock()))
}

// PartialUploadsOfPlayer implements [contest.AccountStore].
func (s *Store) PartialUploadsOfPlayer(ctx context.Context, playerID int64) ([]contest.PartialUpload, error) {
	return many(ctx, s, "uploads_of", scanUpload,
		`SELECT `+uploadColumns+` FROM uploads WHERE player_id = $1 ORDER BY expires_at DESC, id`, playerID)
}

// DeletePlayer implements [contest.AccountStore].
func (s *Store) DeletePlayer(ctx context.Context, id int64, at time.Time) ([]contest.Video, error) {
	var videos []contest.Video
	err := s.write(ctx, "delete_player", func(ctx context.Context, tx *sql.Tx) (err error) {
		if err := s.lockForDeletion(ctx, tx, id); err != nil {
			return err
		}
		videos, err = changeVideos(ctx, tx, `DELETE FROM videos WHERE player_id = $1`, id)
		if err != nil {
			return err
		}
		if err := withdrawAll(ctx, tx, id); err != nil {
			return err
		}
		if err := s.lockVotesSetAside(ctx, tx, id); err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM votes WHERE player_id = $1`, // like moderation, reads the whole table: there is no index on player_id
			`DELETE FROM votes_taken_back WHERE player_id = $1`,
			`DELETE FROM votes_set_aside WHERE player_id = $1`,
			`DELETE FROM votes_set_aside WHERE voter_id = $1`,
			`DELETE FROM standings WHERE player_id = $1`,
			`DELETE FROM standings_before WHERE player_id = $1`,
			`DELETE FROM sessions WHERE player_id = $1`,
			`DELETE FROM uploads WHERE player_id = $1`,
			`DELETE FROM players WHERE id = $1`,
		} {
			if _, err := tx.ExecContext(ctx, statement, id); err != nil {
				return err
			}
		}
		return note(ctx, tx, contest.AuditEntry{At: at, Actor: contest.ByPlayer, Action: contest.DeletedAccount, PlayerID: id})
	})
	return videos, err
}

// withdrawAll withdraws every vote of the voter, one by one.
func withdrawAll(ctx context.Context, tx *sql.Tx, voterID int64) error {
	rows, err := tx.QueryContext(ctx, `SELECT video_id FROM votes WHERE voter_id = $1 ORDER BY player_id, video_id`, voterID)
	if err != nil {
		return err
	}
	videos, err := all(rows, func(row scanner) (id int64, err error) { return id, row.Scan(&id) })
	if err != nil {
		return err
	}
	for _, id := range videos {
		if _, err := takeBack(ctx, tx, id, voterID); err != nil && !errors.Is(err, contest.ErrNotVoted) {
			return err
		}
	}
	return nil
}

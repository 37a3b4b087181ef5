package store

import (
	"context"
	"database/sql"
	"time"

	"risingstars/internal/contest"
)

// AddSession implements auth.SessionStore. It also deletes the sessions that have expired by now, except those that
// another transaction has locked.
func (s *Store) AddSession(ctx context.Context, tokenHash string, playerID, generation int64, now, expires time.Time) error {
	return orGone(s.write(ctx, "add_session", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO sessions (token_hash, player_id, generation, expires_at) VALUES ($1, $2, $3, $4)`,
			tokenHash, playerID, generation, timestamp(expires))
		if err != nil {
			return err
		}
		expired := s.locking(`SELECT token_hash FROM sessions WHERE expires_at <= $1`, `FOR UPDATE SKIP LOCKED`)
		_, err = tx.ExecContext(ctx, `DELETE FROM sessions WHERE token_hash IN (`+expired+`)`, timestamp(now)) //nolint:gosec // fixed texts
		return err
	}))
}

type session struct {
	playerID   int64
	generation int64
	expires    time.Time
}

// Session implements auth.SessionStore.
func (s *Store) Session(ctx context.Context, tokenHash string) (playerID, generation int64, expires time.Time, err error) {
	found, err := one(ctx, s, "session", func(row scanner) (f session, err error) {
		return f, row.Scan(&f.playerID, &f.generation, (*timestamp)(&f.expires))
	}, contest.ErrNotSignedIn, `SELECT player_id, generation, expires_at FROM sessions WHERE token_hash = $1`, tokenHash)
	return found.playerID, found.generation, found.expires, err
}

// ExtendSession implements auth.SessionStore.
func (s *Store) ExtendSession(ctx context.Context, tokenHash string, expires time.Time) error {
	return s.write(ctx, "extend_session", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE sessions SET expires_at = $1 WHERE token_hash = $2`, timestamp(expires), tokenHash)
		return err
	})
}

// DeleteSession implements auth.SessionStore.
func (s *Store) DeleteSession(ctx context.Context, tokenHash string) error {
	return s.write(ctx, "delete_session", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE token_hash = $1`, tokenHash)
		return err
	})
}

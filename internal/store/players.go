package store

import (
	"context"
	"database/sql"

	"risingstars/internal/contest"
)

const playerColumns = `id, first_name, last_name, email, city, country, created_at, generation, shut_at`

func scanPlayer(row scanner) (contest.Player, error) {
	var p contest.Player
	err := row.Scan(&p.ID, &p.FirstName, &p.LastName, &p.Email, &p.City, &p.Country,
		(*timestamp)(&p.CreatedAt), &p.SessionVersion, (*timestamp)(&p.SuspendedAt))
	return p, err
}

// AddPlayer implements [contest.PlayerStore].
func (s *Store) AddPlayer(ctx context.Context, p contest.Player, passwordHash string) (contest.Player, error) {
	err := s.write(ctx, "add_player", func(ctx context.Context, tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `
			INSERT INTO players (first_name, last_name, email, email_key, password_hash, city, city_key, country, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (email_key) DO NOTHING
			RETURNING id`,
			p.FirstName, p.LastName, p.Email, foldEmail(p.Email), passwordHash, p.City, fold(p.City), p.Country,
			timestamp(p.CreatedAt),
		).Scan(&p.ID)
		if err != nil {
			return orNone(err, contest.ErrEmailTaken)
		}
		return note(ctx, tx, contest.AuditEntry{At: p.CreatedAt, Actor: contest.ByPlayer, Action: contest.SignedUp, PlayerID: p.ID})
	})
	return p, err
}

// PlayerByID implements [contest.PlayerStore].
func (s *Store) PlayerByID(ctx context.Context, id int64) (contest.Player, error) {
	if s.lookups != nil {
		return s.lookups.player(ctx, id)
	}
	return one(ctx, s, "player_by_id", scanPlayer, contest.ErrNotSignedIn,
		`SELECT `+playerColumns+` FROM players WHERE id = $1`, id)
}

// CredentialsByEmail implements [contest.PlayerStore].
func (s *Store) CredentialsByEmail(ctx context.Context, email string) (contest.Player, string, error) {
	var hash string
	p, err := one(ctx, s, "credentials", func(row scanner) (p contest.Player, err error) {
		return p, row.Scan(&p.ID, &p.FirstName, &p.LastName, &p.Email, &p.City, &p.Country,
			(*timestamp)(&p.CreatedAt), &p.SessionVersion, (*timestamp)(&p.SuspendedAt), &hash)
	}, contest.ErrBadCredentials,
		`SELECT `+playerColumns+`, password_hash FROM players WHERE email_key = $1`, foldEmail(email))
	return p, hash, err
}

// UpdateProfile implements [contest.PlayerStore].
func (s *Store) UpdateProfile(ctx context.Context, p contest.Player) error {
	return s.write(ctx, "change_player", func(ctx context.Context, tx *sql.Tx) error {
		err := change(ctx, tx, contest.ErrNotSignedIn, `
			UPDATE players SET first_name = $1, last_name = $2, city = $3, city_key = $4, country = $5 WHERE id = $6`,
			p.FirstName, p.LastName, p.City, fold(p.City), p.Country, p.ID)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE standings SET city_key = $1 WHERE player_id = $2`, fold(p.City), p.ID); err != nil {
			return err
		}
		videos, err := titlesOf(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		for _, v := range videos {
			_, err := tx.ExecContext(ctx, `UPDATE videos SET city_key = $1, search_key = $2 WHERE id = $3`,
				fold(p.City), fold(v.Title+" "+p.PublicName()), v.ID)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// titlesOf reads all rows at once: PostgreSQL runs no other statement in a transaction while rows are open.
func titlesOf(ctx context.Context, tx *sql.Tx, playerID int64) ([]contest.Video, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, title FROM videos WHERE player_id = $1 ORDER BY id`, playerID)
	if err != nil {
		return nil, err
	}
	return all(rows, func(row scanner) (v contest.Video, err error) { return v, row.Scan(&v.ID, &v.Title) })
}

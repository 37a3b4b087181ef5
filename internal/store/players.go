package store

import (
	"context"
	"database/sql"

	"risingstars/internal/contest"
)

const playerColumns = `id, first_name, last_name, email, city, country, created_at`

func scanPlayer(row scanner) (contest.Player, error) {
	var p contest.Player
	err := row.Scan(&p.ID, &p.FirstName, &p.LastName, &p.Email, &p.City, &p.Country, (*timestamp)(&p.CreatedAt))
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
		return orNone(err, contest.ErrEmailTaken)
	})
	return p, err
}

// PlayerByID implements [contest.PlayerStore].
func (s *Store) PlayerByID(ctx context.Context, id int64) (contest.Player, error) {
	return one(ctx, s, "player_by_id", scanPlayer, contest.ErrNotSignedIn,
		`SELECT `+playerColumns+` FROM players WHERE id = $1`, id)
}

// Credentials implements [contest.PlayerStore].
func (s *Store) Credentials(ctx context.Context, email string) (contest.Player, string, error) {
	var hash string
	p, err := one(ctx, s, "credentials", func(row scanner) (p contest.Player, err error) {
		return p, row.Scan(&p.ID, &p.FirstName, &p.LastName, &p.Email, &p.City, &p.Country,
			(*timestamp)(&p.CreatedAt), &hash)
	}, contest.ErrBadCredentials,
		`SELECT `+playerColumns+`, password_hash FROM players WHERE email_key = $1`, foldEmail(email))
	return p, hash, err
}

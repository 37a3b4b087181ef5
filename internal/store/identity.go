package store

import (
	"context"
	"database/sql"

	"risingstars/internal/contest"
)

// Identity returns the random name of this contest, and creates it at the first call. Imports keep it. The storage is
// marked with it, so that the program does not delete the files of another contest.
func (s *Store) Identity(ctx context.Context) (identity string, err error) {
	err = s.write(ctx, "identity", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx,
			`INSERT INTO contest (id, identity) VALUES (1, $1) ON CONFLICT (id) DO NOTHING`, contest.NewMediaToken())
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT identity FROM contest WHERE id = 1`).Scan(&identity)
	})
	return identity, err
}

package store

import (
	"context"
	"database/sql"
	"time"

	"risingstars/internal/contest"
)

const uploadColumns = `id, player_id, title, media_type, size, expires_at, video_id`

func scanUpload(row scanner) (contest.PartialUpload, error) {
	var u contest.PartialUpload
	err := row.Scan(&u.ID, &u.PlayerID, &u.Title, &u.DeclaredType, &u.Size, (*timestamp)(&u.ExpiresAt), &u.VideoID)
	return u, err
}

// AddUpload enters an upload that has begun. However many begin at once, it returns *contest.TooManyError and
// contest.ErrQuotaExceeded for those that a player may not have, and contest.ErrAccountSuspended.
func (s *Store) AddUpload(ctx context.Context, u contest.PartialUpload) error {
	return orGone(s.write(ctx, "add_upload", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := addingMore(ctx, tx, u.PlayerID); err != nil {
			return err
		}
		now := timestamp(s.clock())
		under, err := scanInt(tx.QueryRowContext(ctx,
			`SELECT count(*) FROM uploads WHERE player_id = $1 AND expires_at > $2 AND video_id = 0`, u.PlayerID, now))
		if err != nil {
			return err
		}
		if s.uploadsAtOnce > 0 && under >= s.uploadsAtOnce {
			return &contest.TooManyError{RetryAfter: time.Minute}
		}
		if err := s.fits(tx.QueryRowContext(ctx, taken, u.PlayerID, now), u.Size); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO uploads (`+uploadColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			u.ID, u.PlayerID, u.Title, u.DeclaredType, u.Size, timestamp(u.ExpiresAt), u.VideoID)
		return err
	}))
}

// Upload returns contest.ErrNoVideo if there is none.
func (s *Store) Upload(ctx context.Context, id string) (contest.PartialUpload, error) {
	return one(ctx, s, "upload", scanUpload, contest.ErrNoVideo, `SELECT `+uploadColumns+` FROM uploads WHERE id = $1`, id)
}

// ExpiredUploads lists what has not been finished in time, and what has and need not be remembered any longer.
func (s *Store) ExpiredUploads(ctx context.Context, now time.Time) ([]contest.PartialUpload, error) {
	return many(ctx, s, "expired_uploads", scanUpload,
		`SELECT `+uploadColumns+` FROM uploads WHERE expires_at <= $1`, timestamp(now))
}

// finishUpload returns contest.ErrNoVideo unless the upload is the video's player's and under way.
func finishUpload(ctx context.Context, tx *sql.Tx, id string, v contest.Video) error {
	return change(ctx, tx, contest.ErrNoVideo,
		`UPDATE uploads SET video_id = $1 WHERE id = $2 AND player_id = $3 AND video_id = 0`, v.ID, id, v.PlayerID)
}

// DeleteUpload forgets an upload. None there is no error.
func (s *Store) DeleteUpload(ctx context.Context, id string) error {
	return s.write(ctx, "delete_upload", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM uploads WHERE id = $1`, id)
		return err
	})
}

// ForgetUploads removes all rows: in a copy of the database, whose files are not copied.
func (s *Store) ForgetUploads(ctx context.Context) error {
	return s.write(ctx, "forget_uploads", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM uploads`)
		return err
	})
}

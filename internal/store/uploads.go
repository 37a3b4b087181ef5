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

// AddUpload inserts an upload that has begun. It locks the player's row, so concurrent calls cannot exceed the limits.
// It returns *contest.TooManyError, contest.ErrQuotaExceeded or contest.ErrAccountSuspended.
func (s *Store) AddUpload(ctx context.Context, u contest.PartialUpload) error {
	return orGone(s.write(ctx, "add_upload", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := s.lockActivePlayer(ctx, tx, u.PlayerID); err != nil {
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

// Upload returns contest.ErrNoVideo if there is no such upload.
func (s *Store) Upload(ctx context.Context, id string) (contest.PartialUpload, error) {
	return one(ctx, s, "upload", scanUpload, contest.ErrNoVideo, `SELECT `+uploadColumns+` FROM uploads WHERE id = $1`, id)
}

// ExpiredUploads lists the uploads that have expired, both unfinished ones and those that have become videos.
func (s *Store) ExpiredUploads(ctx context.Context, now time.Time) ([]contest.PartialUpload, error) {
	return many(ctx, s, "expired_uploads", scanUpload,
		`SELECT `+uploadColumns+` FROM uploads WHERE expires_at <= $1`, timestamp(now))
}

// finishUpload links the upload to its video. It returns contest.ErrNoVideo unless the upload is unfinished and belongs
// to the video's player.
func finishUpload(ctx context.Context, tx *sql.Tx, id string, v contest.Video) error {
	return change(ctx, tx, contest.ErrNoVideo,
		`UPDATE uploads SET video_id = $1 WHERE id = $2 AND player_id = $3 AND video_id = 0`, v.ID, id, v.PlayerID)
}

// DeleteUpload deletes the row of an upload. It is no error if there is none.
func (s *Store) DeleteUpload(ctx context.Context, id string) error {
	return s.write(ctx, "delete_upload", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM uploads WHERE id = $1`, id)
		return err
	})
}

// ForgetUploads deletes all uploads, in a copy of the database without the files of the uploads.
func (s *Store) ForgetUploads(ctx context.Context) error {
	return s.write(ctx, "forget_uploads", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM uploads`)
		return err
	})
}

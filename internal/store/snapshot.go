package store

import (
	"context"
	"errors"
	"fmt"
	"os"

	"risingstars/internal/contest"
)

// Snapshot writes the embedded database, as it is at one moment, to a new file, while other processes read and write
// it. The file is synced when it returns. It returns an error on PostgreSQL, where pg_dump does this.
func (db *DB) Snapshot(ctx context.Context, path string) error {
	if db.Engine != SQLite {
		return errors.New("a snapshot is of an embedded database; use pg_dump")
	}
	if _, err := db.Writer.ExecContext(ctx, `VACUUM INTO $1`, path); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return nil
}

// AllVideos lists all videos, by id.
func (s *Store) AllVideos(ctx context.Context) ([]contest.Video, error) {
	return many(ctx, s, "all_videos", scanVideo, `SELECT `+videoColumns+` FROM videos ORDER BY id`)
}

// CloseWhole closes an embedded database so that it is one file, without a write-ahead log beside it.
func (db *DB) CloseWhole(ctx context.Context) error {
	_, err := db.Writer.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return errors.Join(err, db.Close())
}

package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

type restore struct {
	Folder string `arg:"" name:"dir" help:"The backup."`
}

// Run makes DATA_DIR from a backup and verifies the checksum of every file. DATA_DIR must be empty or must not exist.
func (c restore) Run(r *runner) error {
	if r.settings.DatabaseURL != "" {
		return errors.New("restore is for the database in DATA_DIR; for PostgreSQL use pg_restore and risingstars storage copy (docs/operations.md)")
	}
	if r.settings.StorageURL != "" {
		return errors.New("restore puts the media into DATA_DIR: run it without STORAGE_URL, then risingstars storage copy")
	}
	folder := filepath.Clean(r.settings.DataDir)
	if err := isEmpty(folder); err != nil {
		return err
	}
	m, err := readManifest(c.Folder)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if _, err := beside(folder, func(part string) (manifest, error) { return m, m.copyBack(r.ctx, c.Folder, part) }); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	fmt.Fprintf(r.out, "%s: %d files, %s, of %s, verified. risingstars serve goes on from there.\n",
		r.settings.DataDir, len(m.Files), mib(m.inAll), m.MadeAt.Format("2006-01-02 15:04:05 MST"))
	return nil
}

// isEmpty returns an error if the folder contains anything.
func isEmpty(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into DATA_DIR: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("DATA_DIR %s is not empty: restore into a new folder, or move what is there away", folder)
	}
	return nil
}

// copyBack copies the backup's files, and fails at the first whose size or checksum is wrong.
func (m *manifest) copyBack(ctx context.Context, from, part string) error {
	for _, f := range m.Files {
		if err := f.copyBack(ctx, from, part); err != nil {
			return err
		}
	}
	return filepath.WalkDir(part, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return syncPath(path)
	})
}

func (f manifestFile) copyBack(ctx context.Context, from, part string) (err error) {
	path := filepath.Join(part, filepath.FromSlash(f.Path))
	source, err := os.Open(filepath.Join(from, filepath.FromSlash(f.Path)))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the backup is damaged: %s is missing", f.Path)
	}
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }() // only read
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	target, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode())
	if err != nil {
		return err
	}
	hash := sha256.New()
	size, err := copyUntil(ctx, io.MultiWriter(target, hash), source)
	if err := errors.Join(err, target.Sync(), target.Close()); err != nil {
		return fmt.Errorf("copy %s: %w", f.Path, err)
	}
	if size != f.Size || hex.EncodeToString(hash.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("the backup is damaged: %s is not as it was written", f.Path)
	}
	return nil
}

// mode makes media readable for the group, as the storage does.
func (f manifestFile) mode() fs.FileMode {
	if filepath.Dir(filepath.FromSlash(f.Path)) == "." {
		return 0o600
	}
	return 0o640
}

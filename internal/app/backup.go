package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"risingstars/internal/blob"
	"risingstars/internal/contest"
	"risingstars/internal/store"
)

type backup struct {
	Folder string `arg:"" name:"dir" help:"The folder to make; there must be none."`
}

// Run writes a backup of a contest on SQLite, whether it is being served or not.
func (c backup) Run(r *runner) (err error) {
	if r.settings.DatabaseURL != "" {
		return errors.New("backup is for the database in DATA_DIR; for PostgreSQL use pg_dump and risingstars storage copy (docs/operations.md)")
	}
	if _, err := os.Stat(databasePath(r.settings)); err != nil {
		return fmt.Errorf("there is no contest in DATA_DIR: %w", err)
	}
	folder := filepath.Clean(c.Folder)
	if _, err := os.Lstat(folder); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: name a new folder", c.Folder)
	}
	d, err := openData(r.ctx, r.settings, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	made, err := beside(folder, func(part string) (manifest, error) { return d.copyTo(r.ctx, part, r.settings.InData(secretName)) })
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	fmt.Fprintf(r.out, "%s: the database and %d files of media, %s, each with its checksum in %s.\n",
		c.Folder, made.mediaAll, mib(made.inAll), manifestName)
	if n := len(made.Deleted); n > 0 {
		fmt.Fprintf(r.out, "%d videos were deleted meanwhile and are not in it.\n", n)
	}
	fmt.Fprint(r.out, "It has emails, password hashes and the secret: keep it as safe as DATA_DIR. Files of media may share their bytes with it\n"+
		"until the backup is copied to another disk, which it should be.\n")
	return nil
}

// beside fills a temporary folder next to the wanted one and renames it, so the wanted folder is complete or does not
// exist.
func beside(folder string, fill func(part string) (manifest, error)) (m manifest, err error) {
	parent := filepath.Dir(folder)
	if err := os.MkdirAll(parent, 0o750); err != nil {
		return m, err
	}
	part, err := os.MkdirTemp(parent, "."+filepath.Base(folder)+"-*") // mode 0700
	if err != nil {
		return m, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(part))
		}
	}()
	if m, err = fill(part); err != nil {
		return m, err
	}
	if err := os.Remove(folder); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty folder is replaced
		return m, fmt.Errorf("%w (is it a mount? name a folder below it)", err)
	}
	if err := os.Rename(part, folder); err != nil {
		return m, err
	}
	return m, syncPath(parent)
}

// copyTo copies the database first, then the media that the copy names. Objects never change, so they are what they
// were when the database was copied. Videos that were deleted since are deleted from the copy too.
func (d *data) copyTo(ctx context.Context, part, secret string) (m manifest, err error) {
	m = manifest{Format: manifestFormat, Program: version, MadeAt: time.Now().UTC()}
	path := filepath.Join(part, databaseName)
	if err := d.db.Snapshot(ctx, path); err != nil {
		return m, err
	}
	if err := d.copyMedia(ctx, &m, part); err != nil {
		return m, err
	}
	if err := m.add(ctx, part, databaseName); err != nil {
		return m, err
	}
	text, err := os.ReadFile(secret)
	switch {
	case errors.Is(err, fs.ErrNotExist): // the secret is in SECRET_KEY
	case err != nil:
		return m, err
	default:
		if err := errors.Join(writeSynced(filepath.Join(part, secretName), text), m.add(ctx, part, secretName)); err != nil {
			return m, err
		}
	}
	return m, m.write(part)
}

// copyMedia copies the objects that the copied database names. Resumable uploads are not copied; it removes them from
// the copied database.
func (d *data) copyMedia(ctx context.Context, m *manifest, part string) (err error) {
	db, err := store.OpenSQLite(ctx, filepath.Join(part, databaseName))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.CloseWhole(ctx)) }()
	copied := store.New(db, store.Options{})
	if m.Contest, err = copied.Identity(ctx); err != nil {
		return err
	}
	if err := copied.ForgetUploads(ctx); err != nil {
		return err
	}
	videos, err := copied.AllVideos(ctx)
	if err != nil {
		return err
	}
	gone := map[int64]bool{}
	for _, v := range videos {
		if gone[v.PlayerID] {
			m.Deleted = append(m.Deleted, v.ID)
			continue
		}
		err := d.copyVideo(ctx, m, part, v.Media)
		if errors.Is(err, errDeletedMeanwhile) {
			m.Deleted = append(m.Deleted, v.ID)
			gone[v.PlayerID], err = d.deleteFrom(ctx, copied, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var errDeletedMeanwhile = errors.New("the video was deleted meanwhile")

// deleteFrom repeats in the copy a deletion that happened during the backup: of a video, or of its player's whole
// account.
func (d *data) deleteFrom(ctx context.Context, copied *store.Store, v contest.Video) (playerGone bool, err error) {
	_, err = d.store.PlayerByID(ctx, v.PlayerID)
	if errors.Is(err, contest.ErrNotSignedIn) {
		_, err = copied.DeletePlayer(ctx, v.PlayerID, time.Now())
		return true, err
	}
	if err != nil {
		return false, err
	}
	return false, copied.DeleteVideo(ctx, v.ID)
}

// copyVideo copies a video's objects, all or none.
func (d *data) copyVideo(ctx context.Context, m *manifest, part string, media contest.Media) error {
	var paths []string
	for _, key := range []string{media.OriginalKey(), media.RenditionKey(), media.PosterKey()} {
		if key == "" {
			continue
		}
		path := filepath.Join(part, mediaName, filepath.FromSlash(key))
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		if err == nil {
			err = d.blobs.Fetch(ctx, key, path)
		}
		if errors.Is(err, blob.ErrNotFound) {
			return errors.Join(d.lost(ctx, media, key), os.RemoveAll(filepath.Join(part, mediaName, filepath.FromSlash(media.KeyPrefix()))))
		}
		if err != nil {
			return err
		}
		paths = append(paths, mediaName+"/"+key)
	}
	for _, path := range paths {
		if err := syncPath(filepath.Join(part, filepath.FromSlash(path))); err != nil {
			return err
		}
		if err := m.add(ctx, part, path); err != nil {
			return err
		}
		m.mediaAll++
	}
	return nil
}

// lost tells whether a missing object is due to a deletion during the backup or an error.
func (d *data) lost(ctx context.Context, media contest.Media, key string) error {
	kept, err := d.store.MediaByTokens(ctx, []string{media.Token})
	if err == nil && len(kept) == 0 {
		return errDeletedMeanwhile
	}
	return errors.Join(fmt.Errorf("%s is not in the storage, and its video is in the database", key), err)
}

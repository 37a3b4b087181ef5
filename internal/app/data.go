package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"risingstars/internal/blob"
	"risingstars/internal/config"
	"risingstars/internal/jobs"
	"risingstars/internal/store"
)

// data is what a process opens to work with the contest.
type data struct {
	db    *store.DB
	store *store.Store
	blobs storage
}

// openData opens the database and the media storage. It does not migrate: the tables must be current.
func openData(ctx context.Context, s *config.Settings, observe store.Observe) (*data, error) {
	db, err := openDatabase(ctx, s)
	if err != nil {
		return nil, err
	}
	d, err := newData(s, db, observe)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return d, nil
}

func newData(s *config.Settings, db *store.DB, observe store.Observe) (*data, error) {
	queue, err := jobs.NewQueue(queueOf(db))
	if err != nil {
		return nil, err
	}
	where, err := s.Media()
	if err != nil {
		return nil, err
	}
	blobs, err := openStorage(s, where)
	if err != nil {
		return nil, err
	}
	o := store.Options{Queue: queue, Observe: observe, MaxUnpublished: s.MaxUnpublished, UploadsAtOnce: s.UploadsAtOnce}
	if s.RateLimit == "off" {
		o.MaxUnpublished = 0
	}
	return &data{db: db, blobs: blobs, store: store.New(db, o)}, nil
}

// openStorage opens a storage. The credentials of a bucket come from the settings.
func openStorage(s *config.Settings, where config.Storage) (storage, error) {
	if where.Dir != "" {
		local, err := blob.NewLocal(where.Dir)
		return storage{Storage: local}, err
	}
	b := where.S3
	bucket, err := blob.NewS3(blob.S3Options{
		Bucket: b.Bucket, Prefix: b.Prefix, Endpoint: b.Endpoint, Region: b.Region, PathStyle: b.PathStyle, Plain: b.Plain,
		Owner: b.Owner, AccessKey: s.S3AccessKey, SecretKey: s.S3SecretKey,
	})
	if err != nil || b.Proxy {
		return storage{Storage: bucket}, err
	}
	return storage{bucket, bucket}, nil
}

func openDatabase(ctx context.Context, s *config.Settings) (*store.DB, error) {
	if s.DatabaseURL != "" {
		return store.OpenPostgres(s.DatabaseURL, s.DatabaseConnections)
	}
	if err := os.MkdirAll(s.DataDir, 0o750); err != nil {
		return nil, fmt.Errorf("make DATA_DIR: %w (make it a folder that this user can write to)", err)
	}
	return store.OpenSQLite(ctx, databasePath(s))
}

// explained replaces a connection error by one line that says what to do about it. It returns all other errors
// unchanged.
func explained(s *config.Settings, err error) error {
	why := store.NotReached(err)
	u, noURL := url.Parse(s.DatabaseURL)
	if why == "" || noURL != nil {
		return err
	}
	return fmt.Errorf("DATABASE_URL: no connection to PostgreSQL at %s as %s: %s (start it, or mend DATABASE_URL)",
		cmp.Or(u.Host, u.Query().Get("host"), "its socket"), cmp.Or(u.User.Username(), "this user"), why)
}

// queueOf returns the job queue in a database.
func queueOf(db *store.DB) jobs.Database {
	if db.Engine == store.Postgres {
		return jobs.Postgres(db.Writer, db.Listener)
	}
	return jobs.SQLite(db.Writer)
}

func databasePath(s *config.Settings) string { return s.InData(databaseName) }

func (d *data) close() error { return d.db.Close() }

// lockData makes this process the only one that serves from DATA_DIR, until unlock. The kernel releases the lock when
// the process ends, however it ends.
func lockData(s *config.Settings) (unlock func() error, err error) {
	if err := os.MkdirAll(s.DataDir, 0o750); err != nil {
		return nil, fmt.Errorf("make DATA_DIR: %w", err)
	}
	lock := flock.New(s.InData("lock"), flock.SetFlag(os.O_CREATE|os.O_RDWR)) // NFS locks only writable files
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock DATA_DIR: %w (make it a folder that this user can write to)", err)
	}
	if !locked {
		return nil, fmt.Errorf("another risingstars serves from %s: stop it, or choose another DATA_DIR", s.DataDir)
	}
	return lock.Unlock, nil
}

// workDir makes a folder for this process's uploads and renders in progress, which release removes. It also removes
// the folders of dead processes, whose locks the kernel has released.
func workDir(s *config.Settings) (dir string, release func() error, err error) {
	root := s.InData("work")
	if err := os.MkdirAll(root, 0o700); err != nil {
		return "", nil, fmt.Errorf("make the work folder: %w", err)
	}
	all := folderLock(root) // while it is locked, no other process adds or removes folders
	if err := all.Lock(); err != nil {
		return "", nil, fmt.Errorf("lock the work folder: %w", err)
	}
	defer func() { err = errors.Join(err, all.Unlock()) }()
	if err := removeDeadFolders(root); err != nil {
		return "", nil, fmt.Errorf("clear the work folder: %w", err)
	}
	if dir, err = os.MkdirTemp(root, "process-*"); err != nil {
		return "", nil, fmt.Errorf("make a work folder: %w", err)
	}
	own := folderLock(dir)
	if err := own.Lock(); err != nil {
		return "", nil, fmt.Errorf("lock a work folder: %w", err)
	}
	return dir, func() error { return errors.Join(os.RemoveAll(dir), own.Unlock()) }, nil
}

// removeDeadFolders removes every entry of root that no live process has locked.
func removeDeadFolders(root string) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(root, e.Name())
		lock := folderLock(path)
		free, err := lock.TryLock()
		if errors.Is(err, fs.ErrNotExist) {
			continue // its process has just ended
		}
		if err != nil {
			return err //nolint:wrapcheck // the caller does
		}
		if !free {
			continue
		}
		if err := errors.Join(os.RemoveAll(path), lock.Unlock()); err != nil {
			return err
		}
	}
	return nil
}

// folderLock is a lock on the folder itself, which it opens read-only and never creates.
func folderLock(path string) *flock.Flock { return flock.New(path, flock.SetFlag(os.O_RDONLY)) }

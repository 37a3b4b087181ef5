package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations
var migrations embed.FS

// Schema has the versions of the database's tables, and the versions that this program needs.
type Schema struct {
	Contest, ContestWanted int64 // of the contest's tables
	Queue, QueueWanted     int64 // of the job queue's tables
}

// Current reports whether the tables are at the versions that this program needs.
func (v Schema) Current() bool { return v.Contest == v.ContestWanted && v.Queue == v.QueueWanted }

// Newer reports whether a newer program has migrated the tables. This one must not change them.
func (v Schema) Newer() bool { return v.Contest > v.ContestWanted || v.Queue > v.QueueWanted }

// Migrate brings the tables of the contest and of the job queue to the versions that this program needs, and returns
// the versions before. It fails if a newer program has migrated them.
func Migrate(ctx context.Context, db *DB) (before Schema, err error) {
	if db.Engine == Postgres {
		db = &DB{Engine: Postgres, Writer: db.patient, Readers: db.patient}
	}
	unlock, err := db.lockMigrations(ctx)
	if err != nil {
		return before, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	before, err = ReadSchema(ctx, db)
	if err != nil || before.Current() {
		return before, err
	}
	if before.Newer() {
		return before, fmt.Errorf("the database was made by a newer program (tables %d and %d, this one knows %d and %d): "+
			"use that program, or restore a backup from before it",
			before.Contest, before.Queue, before.ContestWanted, before.QueueWanted)
	}
	provider, queue, err := migrators(db)
	if err != nil {
		return before, err
	}
	if _, err := provider.Up(ctx); err != nil {
		return before, fmt.Errorf("migrate the contest's tables: %w", err)
	}
	if before.Queue == before.QueueWanted {
		return before, nil
	}
	if _, err := queue.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return before, fmt.Errorf("migrate the job queue's tables: %w", err)
	}
	return before, nil
}

// How many times a process tries to lock the migrations, and the pause between two tries.
const (
	lockTries = 300
	lockPause = 1 // second
)

// lockMigrations takes an advisory lock of PostgreSQL, so that of several starting processes only one migrates at a
// time. It tries for 5 minutes.
func (db *DB) lockMigrations(ctx context.Context) (unlock func() error, err error) {
	if db.Engine == SQLite {
		return func() error { return nil }, nil // SQLite: the lock of the contest's folder suffices
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(lockPause, lockTries))
	if err != nil {
		return nil, fmt.Errorf("prepare to lock the migrations: %w", err)
	}
	conn, err := db.Writer.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock the migrations: %w", err)
	}
	if err := locker.SessionLock(ctx, conn); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the migrations: %w", err), conn.Close())
	}
	return func() error {
		return errors.Join(locker.SessionUnlock(context.WithoutCancel(ctx), conn), conn.Close())
	}, nil
}

// river returns the driver of the job queue for this database.
func (db *DB) river() riverdriver.Driver[*sql.Tx] {
	if db.Engine == Postgres {
		return riverdatabasesql.New(db.Writer)
	}
	return riversqlite.New(db.Writer)
}

// ReadSchema reads the versions of the tables. A new database has version 0.
func ReadSchema(ctx context.Context, db *DB) (Schema, error) {
	var v Schema
	provider, queue, err := migrators(db)
	if err != nil {
		return v, err
	}
	v.Contest, v.ContestWanted, err = provider.GetVersions(ctx)
	if err != nil {
		return v, fmt.Errorf("read the version of the contest's tables: %w", err)
	}
	known := queue.AllVersions()
	v.QueueWanted = int64(known[len(known)-1].Version)
	v.Queue, err = queueVersion(ctx, db)
	if err != nil {
		return v, fmt.Errorf("read the version of the job queue's tables: %w", err)
	}
	return v, nil
}

// queueVersion returns the version of the job queue's tables, 0 if there are none. It reads the table itself, because
// River's migrator fails on versions that it does not know.
func queueVersion(ctx context.Context, db *DB) (latest int64, err error) {
	tables := db.river().GetExecutor()
	there, err := tables.TableExists(ctx, &riverdriver.TableExistsParams{Table: "river_migration"})
	if err != nil || !there {
		return 0, err
	}
	applied, err := tables.MigrationGetByLine(ctx, &riverdriver.MigrationGetByLineParams{Line: riverdriver.MigrationLineMain})
	for _, m := range applied {
		latest = max(latest, int64(m.Version))
	}
	return latest, err
}

var dialects = map[Engine]goose.Dialect{SQLite: goose.DialectSQLite3, Postgres: goose.DialectPostgres}

func migrators(db *DB) (*goose.Provider, *rivermigrate.Migrator[*sql.Tx], error) {
	files, err := fs.Sub(migrations, "migrations/"+string(db.Engine))
	if err != nil {
		return nil, nil, fmt.Errorf("find the migrations: %w", err)
	}
	provider, err := goose.NewProvider(dialects[db.Engine], db.Writer, files)
	if err != nil {
		return nil, nil, fmt.Errorf("prepare the contest's migrations: %w", err)
	}
	queue, err := rivermigrate.New(db.river(), nil)
	if err != nil {
		return nil, nil, fmt.Errorf("prepare the job queue's migrations: %w", err)
	}
	return provider, queue, nil
}

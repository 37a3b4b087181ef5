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

// Schema is how far the database's tables have come, and how far this program would take them.
type Schema struct {
	Contest, ContestWanted int64 // versions of the contest's tables
	Queue, QueueWanted     int64 // versions of the job queue's tables
}

// Current reports whether the program can work with the tables as they are.
func (v Schema) Current() bool { return v.Contest == v.ContestWanted && v.Queue == v.QueueWanted }

// Newer reports whether a later program made the tables: this one must leave them alone.
func (v Schema) Newer() bool { return v.Contest > v.ContestWanted || v.Queue > v.QueueWanted }

// Migrate brings the contest's and the job queue's tables to what this program needs, and returns where they stood
// before. It refuses tables that a later program made.
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

// How often a process asks for its turn to migrate, and for how long.
const (
	lockTries = 300
	lockPause = 1 // second
)

// lockMigrations makes this process the only one that applies migrations, of however many start at once, by an advisory lock
// of PostgreSQL.
func (db *DB) lockMigrations(ctx context.Context) (unlock func() error, err error) {
	if db.Engine == SQLite {
		return func() error { return nil }, nil // the contest's folder is locked
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

// river is the job queue's way to this database.
func (db *DB) river() riverdriver.Driver[*sql.Tx] {
	if db.Engine == Postgres {
		return riverdatabasesql.New(db.Writer)
	}
	return riversqlite.New(db.Writer)
}

// ReadSchema tells how far the tables have come. A new database is at version 0.
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

// queueVersion is how far the job queue's tables have come. The queue's own migrator fails where a later program has
// taken them further than it knows.
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

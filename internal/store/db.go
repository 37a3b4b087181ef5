package store

import (
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Engine is a kind of database. The statements are the same for all engines. Opening, migrations and the sharing of
// commits differ.
type Engine string

// The engines, named after their folders of migrations.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// DB is an open database.
type DB struct {
	Engine   Engine
	Writer   *sql.DB       // shared with the job queue
	Readers  *sql.DB       // on PostgreSQL the same pool as Writer
	Listener *pgxpool.Pool // for the job queue's notifications; nil on SQLite

	votes   *pgxpool.Pool // for the vote batch; nil on SQLite
	patient *sql.DB       // for migrations, without a statement timeout; nil on SQLite
	pulse   *sql.DB       // for the pings of the health monitor; nil on SQLite
	watch   *watchman     // health monitor; nil on SQLite
}

// Close closes all pools and stops the health monitor.
func (db *DB) Close() error {
	if db.Listener != nil {
		db.Listener.Close()
	}
	if db.Readers == db.Writer {
		db.votes.Close()
		db.watch.close()
		return errors.Join(db.Writer.Close(), db.patient.Close(), db.pulse.Close())
	}
	return errors.Join(db.Readers.Close(), db.Writer.Close())
}

// dangling reports whether a foreign key refused the row, because the row that it refers to does not exist.
func dangling(err error) bool {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refused.Code == "23503"
	}
	refused, ok := errors.AsType[*sqlite.Error](err)
	return ok && refused.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

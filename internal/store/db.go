package store

import (
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Engine is a kind of database. Statements are written once for all of them; what differs is how they are opened,
// migrated and shared by writers.
type Engine string

// The engines, by the names of their folders of migrations.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// DB is an open database.
type DB struct {
	Engine   Engine
	Writer   *sql.DB       // the job queue shares it
	Readers  *sql.DB       // on PostgreSQL the same pool as Writer
	Listener *pgxpool.Pool // hears of new jobs; nil on SQLite

	votes   *pgxpool.Pool // gives votes; nil on SQLite
	patient *sql.DB       // migrates, without a limit of time on its statements; nil on SQLite
	pulse   *sql.DB       // asks whether the server lives; nil on SQLite
	watch   *watchman     // nil on SQLite
}

// Close closes all pools.
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

// dangling reports whether a row was refused because it refers to one that is not there.
func dangling(err error) bool {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refused.Code == "23503"
	}
	refused, ok := errors.AsType[*sqlite.Error](err)
	return ok && refused.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

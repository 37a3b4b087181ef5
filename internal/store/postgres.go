package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"

	"risingstars/internal/contest"
)

const (
	connectTime  = 5 * time.Second
	idleTime     = 5 * time.Minute // after which an idle connection is closed
	lifeTime     = time.Hour       // after which a connection is replaced, so that a server that has moved is found
	statementMax = "30s"           // limit for one statement; migrations have none
)

// OpenPostgres opens a PostgreSQL database, version 15 or newer, by its URL. It uses at most so many connections, and
// three more: one for the vote batch, one that listens for jobs, and one for the pings of the health monitor. Settings
// in the URL are honoured, also those of TLS (sslmode, sslrootcert, …). It does not connect, so it succeeds while the
// server is down.
func OpenPostgres(url string, connections int) (*DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, misread(err)
	}
	prepare(config)
	pool := stdlib.OpenDB(*config.Copy())
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	pool.SetConnMaxIdleTime(idleTime)
	pool.SetConnMaxLifetime(lifeTime)
	listener, err := poolOfOne(url, nil)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	votes, err := poolOfOne(url, planning)
	if err != nil {
		listener.Close()
		return nil, errors.Join(err, pool.Close())
	}
	pulse := stdlib.OpenDB(*config.Copy())
	pulse.SetMaxOpenConns(1)
	pulse.SetConnMaxIdleTime(idleTime)
	config.RuntimeParams["statement_timeout"] = "0"
	patient := stdlib.OpenDB(*config)
	patient.SetMaxIdleConns(0) // used once, at the start
	return &DB{
		Engine: Postgres, Writer: pool, Readers: pool, Listener: listener,
		votes: votes, patient: patient, pulse: pulse, watch: newWatchman(pulse),
	}, nil
}

// misread returns the error for a URL that cannot be parsed. It does not include err, which has the URL and perhaps a
// password.
func misread(err error) error {
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("DATABASE_URL: the file %s, which it names, cannot be read (%w): mend sslrootcert, sslcert or sslkey", file.Path, file.Err)
	}
	return errors.New("DATABASE_URL: is not one that PostgreSQL understands, or a file that it names holds no certificate")
}

// NotReached returns briefly, and without a password, why connecting to PostgreSQL failed. It returns "" for any other
// error.
func NotReached(err error) string {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); !ok {
		return ""
	}
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refused.Message
	}
	if unknown, ok := errors.AsType[*net.DNSError](err); ok {
		return unknown.Name + ": " + unknown.Err
	}
	cause := err
	for { // find the innermost error; the outer ones repeat its text
		var inner error
		switch e := cause.(type) { //nolint:errorlint // it is unwrapped here
		case interface{ Unwrap() error }:
			inner = e.Unwrap()
		case interface{ Unwrap() []error }:
			inner = e.Unwrap()[0]
		}
		if inner == nil {
			return cause.Error()
		}
		cause = inner
	}
}

func prepare(config *pgx.ConnConfig) {
	config.ConnectTimeout = connectTime
	config.DialFunc = dialer().DialContext
	defaults := map[string]string{
		"application_name": "risingstars", "timezone": "UTC", "statement_timeout": statementMax,
		"idle_in_transaction_session_timeout": "60s",
	}
	for name, value := range defaults {
		if config.RuntimeParams[name] == "" {
			config.RuntimeParams[name] = value
		}
	}
}

// planning are the settings of the connection for the vote batch: PostgreSQL keeps a generic plan of the statement, and
// does not scan whole tables, whatever their sizes were when it made the plan.
var planning = map[string]string{"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}

// poolOfOne opens a pool with one connection and the given settings, for the job queue's notifications or for the vote
// batch.
func poolOfOne(url string, settings map[string]string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, misread(err)
	}
	prepare(config.ConnConfig)
	maps.Copy(config.ConnConfig.RuntimeParams, settings)
	config.MaxConns = 1
	config.MaxConnIdleTime, config.MaxConnLifetime = idleTime, lifeTime
	pool, err := pgxpool.NewWithConfig(context.Background(), config) // connects at first use
	if err != nil {
		return nil, fmt.Errorf("prepare a pool of one connection: %w", err)
	}
	return pool, nil
}

// ServerVersion returns the version of a PostgreSQL server as text, such as "15.18", and as a number, such as 150018.
func (db *DB) ServerVersion(ctx context.Context) (text string, number int, err error) {
	err = db.Readers.QueryRowContext(ctx,
		`SELECT current_setting('server_version'), CAST(current_setting('server_version_num') AS INTEGER)`,
	).Scan(&text, &number)
	return text, number, err
}

// Clock returns the PostgreSQL server's present time.
func (db *DB) Clock(ctx context.Context) (now time.Time, err error) {
	err = db.Readers.QueryRowContext(ctx, `SELECT clock_timestamp()`).Scan((*timestamp)(&now))
	return now, err
}

// errUnsure is "commit outcome unknown": the transaction may have been committed, and the program cannot tell.
var errUnsure = errors.New("it may have been committed")

// unsure reports whether a COMMIT that failed may have been executed: PostgreSQL has not answered it, or was shutting
// down when it did. An error of SQLite is definite, and a COMMIT that was not sent was not executed.
func unsure(err error) bool {
	if errors.Is(err, sql.ErrTxDone) {
		return false
	}
	if pgconn.SafeToRetry(err) && !errors.Is(err, pgconn.ErrConnClosed) { // also the error if the answer is lost
		return false
	}
	if failed, ok := errors.AsType[*pgconn.PgError](err); ok {
		return failed.SeverityUnlocalized != "ERROR"
	}
	_, local := errors.AsType[*sqlite.Error](err)
	return !local && !errors.Is(err, pgx.ErrTxCommitRollback)
}

// unavailable reports whether the same call may succeed a moment later: the database could not be reached, was shutting
// down or starting, or aborted the statement because of load or another transaction.
func unavailable(err error) bool {
	if errors.Is(err, errUnsure) {
		return true
	}
	if failed, ok := errors.AsType[*sqlite.Error](err); ok {
		return troubled(failed)
	}
	if failed, ok := errors.AsType[*pgconn.PgError](err); ok {
		// Connection, operator intervention, query canceled, insufficient resources, transaction rollback, lock not
		// available.
		for _, class := range []string{"08", "57P", "57014", "53", "40", "55P03"} {
			if strings.HasPrefix(failed.Code, class) {
				return true
			}
		}
		return false
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	for _, lost := range []error{driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, lost) {
			return true
		}
	}
	return pgconn.SafeToRetry(err)
}

// saying adds [contest.ErrUnavailable] to an error that means that the database is unavailable now.
func saying(err error) error {
	if unavailable(err) && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %w", contest.ErrUnavailable, err)
	}
	return err
}

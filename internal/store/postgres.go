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
	idleTime     = 5 * time.Minute // after which a connection that nobody needs is closed
	lifeTime     = time.Hour       // after which a connection is replaced, so that a moved server is found
	statementMax = "30s"           // what a single statement may take; migrations are not held to it
)

// OpenPostgres opens a PostgreSQL database, 15 or newer, by its URL, with at most so many connections, one more on which votes are
// given, one that listens for jobs, and one to ask whether a server that keeps callers waiting lives at all. The URL's own settings are
// honoured, those of TLS among them (sslmode, sslrootcert, …). It does not fail where the server is away: it is asked for
// when it is needed.
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
	patient.SetMaxIdleConns(0) // it is needed once
	return &DB{
		Engine: Postgres, Writer: pool, Readers: pool, Listener: listener,
		votes: votes, patient: patient, pulse: pulse, watch: newWatchman(pulse),
	}, nil
}

// misread says what is wrong with a URL, which err has in it, and which may have a password.
func misread(err error) error {
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("DATABASE_URL: the file %s, which it names, cannot be read (%w): mend sslrootcert, sslcert or sslkey", file.Path, file.Err)
	}
	return errors.New("DATABASE_URL: is not one that PostgreSQL understands, or a file that it names holds no certificate")
}

// NotReached says in a few words, and without a password, why there is no connection to PostgreSQL. "" is for all errors
// that are others.
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
	for { // the innermost; the others repeat it
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

// planning lets the statement that gives votes keep its plan, and keeps that from reading whole tables, whatever their sizes were
// when it was made.
var planning = map[string]string{"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}

// poolOfOne has one connection, with settings of its own: for the job queue, which waits for news on it, or for votes.
func poolOfOne(url string, settings map[string]string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, misread(err)
	}
	prepare(config.ConnConfig)
	maps.Copy(config.ConnConfig.RuntimeParams, settings)
	config.MaxConns = 1
	config.MaxConnIdleTime, config.MaxConnLifetime = idleTime, lifeTime
	pool, err := pgxpool.NewWithConfig(context.Background(), config) // connects when it is needed
	if err != nil {
		return nil, fmt.Errorf("prepare a pool of one connection: %w", err)
	}
	return pool, nil
}

// ServerVersion is the version of a PostgreSQL server, such as "15.18", and its number, such as 150018.
func (db *DB) ServerVersion(ctx context.Context) (text string, number int, err error) {
	err = db.Readers.QueryRowContext(ctx,
		`SELECT current_setting('server_version'), CAST(current_setting('server_version_num') AS INTEGER)`,
	).Scan(&text, &number)
	return text, number, err
}

// Clock is what time it is to a PostgreSQL server.
func (db *DB) Clock(ctx context.Context) (now time.Time, err error) {
	err = db.Readers.QueryRowContext(ctx, `SELECT clock_timestamp()`).Scan((*timestamp)(&now))
	return now, err
}

// maxRepeats is how often a transaction is repeated that PostgreSQL has ended for the sake of others.
const maxRepeats = 3

// writeTime bounds a transaction that writes, repeats included.
const writeTime = 30 * time.Second

// pooled runs writers on a pool of connections, each in a transaction of its own. As on SQLite, what was begun does not
// end with whoever asked for it.
type pooled struct {
	db    *sql.DB
	watch *watchman
}

func (p pooled) run(ctx context.Context, do func(context.Context, *sql.Tx) error) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	ctx, ended := p.watch.guard(ctx)
	defer func() { err = ended(err) }() // after a panic as well
	return repeated{p.db}.run(ctx, do)
}

// repeated runs writers in transactions that are repeated where PostgreSQL has ended them for the sake of others, until ctx ends.
type repeated struct{ db *sql.DB }

func (r repeated) run(ctx context.Context, do func(context.Context, *sql.Tx) error) error {
	for n := 1; ; n++ {
		err := inTransaction(ctx, r.db, func(tx *sql.Tx) error { return do(ctx, tx) })
		if n == maxRepeats || !repeatable(err) {
			return err
		}
	}
}

// repeatable reports whether a transaction lost against another and may win if it is repeated: a deadlock, a
// serialization failure, or a row that refers to one which was there before (PostgreSQL documentation, appendix A).
func repeatable(err error) bool {
	failed, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (failed.Code == "40P01" || failed.Code == "40001" || failed.Code == "23503")
}

// errUnsure is "commit outcome unknown": the transaction may have been committed, and nothing can tell.
var errUnsure = errors.New("it may have been committed")

// unsure reports whether a COMMIT that failed may have been done: PostgreSQL has not answered it, or was going down when it
// did. What SQLite says is so, and a COMMIT that was never sent was not done.
func unsure(err error) bool {
	if errors.Is(err, sql.ErrTxDone) {
		return false
	}
	if pgconn.SafeToRetry(err) && !errors.Is(err, pgconn.ErrConnClosed) { // pgx says the latter of a lost answer as well
		return false
	}
	if failed, ok := errors.AsType[*pgconn.PgError](err); ok {
		return failed.SeverityUnlocalized != "ERROR"
	}
	_, local := errors.AsType[*sqlite.Error](err)
	return !local && !errors.Is(err, pgx.ErrTxCommitRollback)
}

// unavailable reports whether the database could not be reached, or was going down or coming up, or ended what was
// asked for the sake of others, so that the same may succeed a moment later.
func unavailable(err error) bool {
	if errors.Is(err, errUnsure) {
		return true
	}
	if failed, ok := errors.AsType[*sqlite.Error](err); ok {
		return troubled(failed)
	}
	if failed, ok := errors.AsType[*pgconn.PgError](err); ok {
		// Connection, operator intervention and time, resources, rolled back for another, a lock that was not to be had.
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

// saying makes an error that tells the contest that its database is away.
func saying(err error) error {
	if unavailable(err) && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %w", contest.ErrUnavailable, err)
	}
	return err
}

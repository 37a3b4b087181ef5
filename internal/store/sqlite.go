package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// OpenSQLite opens the database file, making it if there is none. The file is private to one host: no network file
// system. A commit is on disk when it returns (synchronous=FULL). There is one connection that writes and several that
// only read: SQLite lets one transaction write at a time, so writers wait for each other here, in order, instead of
// failing there.
func OpenSQLite(ctx context.Context, path string) (*DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := keepToOwner(absolute); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	writer, err := openKept(sqliteDSN(absolute, url.Values{"_txlock": {"immediate"}}, "synchronous(FULL)"))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	writer.SetMaxOpenConns(1)
	if err := writer.PingContext(ctx); err != nil { // makes the file, before a reader looks for it
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), writer.Close())
	}
	readers, err := openKept(sqliteDSN(absolute, url.Values{}, "query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), writer.Close())
	}
	readers.SetMaxOpenConns(max(4, runtime.NumCPU()))
	readers.SetMaxIdleConns(max(4, runtime.NumCPU()))
	return &DB{Engine: SQLite, Writer: writer, Readers: readers}, nil
}

// keepToOwner makes the file, if it is not there, for nobody to read but its owner, whatever the umask; SQLite gives the files
// beside it the same mode. One of another owner stays as it is.
func keepToOwner(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_ = f.Chmod(0o600) // it fails on another's
	return f.Close()
}

// sqliteDSN puts the pragmas into the name, since one by Exec would reach a single connection of the pool.
func sqliteDSN(path string, query url.Values, pragmas ...string) string {
	common := []string{"busy_timeout(5000)", "journal_mode(WAL)", "foreign_keys(1)", "cache_size(-16000)", "temp_store(MEMORY)"}
	query["_pragma"] = append(common, pragmas...)
	query.Set("_dqs", "0")
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}

// troubled reports whether SQLite failed for the sake of the disk or of others, rather than of what it was asked.
func troubled(err *sqlite.Error) bool {
	switch err.Code() & 0xff { // the rest says more about the same
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY:
		return true
	}
	return false
}

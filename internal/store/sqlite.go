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

// OpenSQLite opens the database file, and creates it if there is none. The file must be on a local disk, not on a
// network file system. A commit is on disk when it returns (synchronous=FULL). One connection writes and several only
// read: SQLite allows one writing transaction at a time, so writers queue in this program instead of failing with
// SQLITE_BUSY.
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
	if err := writer.PingContext(ctx); err != nil { // creates the file before a reader opens it
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

// keepToOwner creates the file, if there is none, and sets its mode to 0600, whatever the umask. SQLite gives the files
// beside it the same mode. The mode of another user's file stays.
func keepToOwner(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_ = f.Chmod(0o600) // fails on another user's file
	return f.Close()
}

// sqliteDSN puts the pragmas into the DSN, because a PRAGMA by Exec reaches only one connection of the pool.
func sqliteDSN(path string, query url.Values, pragmas ...string) string {
	common := []string{"busy_timeout(5000)", "journal_mode(WAL)", "foreign_keys(1)", "cache_size(-16000)", "temp_store(MEMORY)"}
	query["_pragma"] = append(common, pragmas...)
	query.Set("_dqs", "0")
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}

// troubled reports whether SQLite failed because of the disk or another process, not because of the statement.
func troubled(err *sqlite.Error) bool {
	switch err.Code() & 0xff { // the primary result code
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY:
		return true
	}
	return false
}

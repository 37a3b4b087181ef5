package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"

	"modernc.org/sqlite"
)

// maxStatements is how many statements a connection keeps. The program has fewer fixed ones; the limit is for texts
// built at run time.
const maxStatements = 256

// openKept opens a pool on SQLite whose connections have a prepared-statement cache, as pgx has for PostgreSQL.
// Preparing a short statement costs about as much as running it, and a vote is five of them.
func openKept(dsn string) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(keeper{connector}), nil
}

type keeper struct{ driver.Connector }

func (k keeper) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	wide, ok := conn.(sqliteConn)
	if !ok {
		return nil, errors.Join(errors.New("the driver of SQLite lacks a method"), conn.Close())
	}
	return &keepingConn{sqliteConn: wide, kept: map[string]*keptStatement{}}, nil
}

// sqliteConn has all methods of a connection that database/sql uses.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// keepingConn is used by one goroutine at a time, as database/sql guarantees.
type keepingConn struct {
	sqliteConn
	kept map[string]*keptStatement // by SQL text
}

type keptStatement struct {
	statement
	busy bool // its rows are open
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// Unwrap returns the driver's own connection.
func (c *keepingConn) Unwrap() driver.Conn { return c.sqliteConn }

func (c *keepingConn) Close() error {
	var errs []error
	for _, s := range c.kept {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}

func (c *keepingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	return s.ExecContext(ctx, args)
}

func (c *keepingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	wide, ok := rows.(sqliteRows)
	if !ok {
		return nil, errors.Join(errors.New("the driver of SQLite lacks a method of rows"), rows.Close())
	}
	s.busy = true
	return &keptRows{wide, s}, nil
}

// statement returns the prepared statement of a text, and prepares it at first use. It returns nil if the text must run
// without the cache: it is not worth keeping, the cache is full, or the rows of the same statement are still open.
func (c *keepingConn) statement(ctx context.Context, query string) (*keptStatement, error) {
	if s := c.kept[query]; s != nil {
		if s.busy {
			return nil, nil //nolint:nilnil // nil is an answer
		}
		return s, nil
	}
	if len(c.kept) >= maxStatements || !worthKeeping(query) {
		return nil, nil //nolint:nilnil // nil is an answer
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	wide, ok := prepared.(statement)
	if !ok {
		return nil, errors.Join(errors.New("the driver of SQLite lacks a method of statements"), prepared.Close())
	}
	s := &keptStatement{statement: wide}
	c.kept[query] = s
	return s, nil
}

// worthKeeping reports whether the text is a single statement on rows or on a savepoint.
func worthKeeping(query string) bool {
	query = strings.TrimSpace(query)
	if strings.Contains(query, ";") {
		return false
	}
	verb, _, _ := strings.Cut(query, " ")
	switch strings.ToUpper(strings.TrimSpace(verb)) {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "SAVEPOINT", "RELEASE", "ROLLBACK":
		return true
	}
	return false
}

// sqliteRows has all methods of rows that database/sql uses.
type sqliteRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

// keptRows releases its statement when it is closed.
type keptRows struct {
	sqliteRows
	of *keptStatement
}

func (r *keptRows) Close() error {
	r.of.busy = false
	return r.sqliteRows.Close()
}

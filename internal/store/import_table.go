package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// moving is a running import: a snapshot of the source, and the transaction on the target with its connection.
type moving struct {
	source   *sql.Tx
	conn     *sql.Conn
	tx       *sql.Tx
	progress func(table string, rows, inAll int64)
}

// reportEvery is the number of rows between two reports of progress.
const reportEvery = 50_000

// copyTable streams the rows of a table from SQLite to PostgreSQL by COPY, and returns how many.
func (w moving) copyTable(ctx context.Context, table string) (copied int64, err error) {
	var inAll int64
	if err := w.source.QueryRowContext(ctx, `SELECT count(*) FROM `+brought(table)).Scan(&inAll); err != nil {
		return 0, err
	}
	columns, convert, err := w.columns(ctx, table)
	if err != nil {
		return 0, err
	}
	rows, err := w.source.QueryContext(ctx, `SELECT `+strings.Join(columns, ", ")+` FROM `+brought(table)) //nolint:gosec,rowserrcheck // names of the schema; next asks for the error
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }() // next returns rows.Err
	next := func() ([]any, error) {
		if !rows.Next() {
			return nil, rows.Err()
		}
		if copied++; copied%reportEvery == 0 {
			w.report(table, copied, inAll)
		}
		return values(rows, convert)
	}
	err = w.conn.Raw(func(driver any) error {
		conn, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("no connection to PostgreSQL: %T", driver)
		}
		copied, err = conn.Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(next))
		return err
	})
	if err == nil {
		w.report(table, copied, inAll)
	}
	return copied, err
}

func (w moving) report(table string, rows, inAll int64) {
	if w.progress != nil {
		w.progress(table, rows, inAll)
	}
}

// values reads a row and converts each column.
func values(rows *sql.Rows, convert []func(any) (any, error)) ([]any, error) {
	row, places := make([]any, len(convert)), make([]any, len(convert))
	for i := range row {
		places[i] = &row[i]
	}
	if err := rows.Scan(places...); err != nil {
		return nil, err
	}
	for i, value := range row {
		var err error
		if row[i], err = convert[i](value); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// conversions turn a value of SQLite into one for PostgreSQL, by the type of PostgreSQL's column.
var conversions = map[string]func(any) (any, error){
	"bigint": same, "integer": same, "text": same,
	"timestamp with time zone": func(value any) (any, error) {
		var at timestamp
		if err := at.Scan(value); err != nil || time.Time(at).IsZero() {
			return nil, err
		}
		return time.Time(at), nil
	},
}

func same(value any) (any, error) { return value, nil }

// columns returns the names of a table's columns, ordered by name, and the conversion of each. It fails unless both
// databases have the same columns.
func (w moving) columns(ctx context.Context, table string) (names []string, convert []func(any) (any, error), err error) {
	names, err = texts(ctx, w.source, `SELECT name FROM pragma_table_info($1) ORDER BY name`, table)
	if err != nil {
		return nil, nil, err
	}
	const ofTable = ` FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name = $1 ORDER BY column_name COLLATE "C"`
	target, err := texts(ctx, w.tx, `SELECT column_name`+ofTable, table)
	if err != nil {
		return nil, nil, err
	}
	types, err := texts(ctx, w.tx, `SELECT data_type`+ofTable, table)
	if err != nil {
		return nil, nil, err
	}
	if !slices.Equal(names, target) {
		return nil, nil, fmt.Errorf("its columns are %q in SQLite and %q in PostgreSQL", names, target)
	}
	for i, kind := range types {
		if conversions[kind] == nil {
			return nil, nil, fmt.Errorf("nobody has said how the column %s of type %s is imported", names[i], kind)
		}
		convert = append(convert, conversions[kind])
	}
	return names, convert, nil
}

// texts returns all rows of a query with one text column.
func texts(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return all(rows, func(row scanner) (text string, err error) { return text, row.Scan(&text) })
}

package store

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMigrationsGoDownAndUpAgain(t *testing.T) {
	t.Parallel()
	db, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "down.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	tables := func() (all []string) {
		t.Helper()
		rows, err := db.Readers.QueryContext(t.Context(), `
			SELECT type || ' ' || name || ' ' || COALESCE(sql, '') FROM sqlite_schema
			WHERE tbl_name NOT LIKE 'goose%' AND tbl_name NOT LIKE 'sqlite%' ORDER BY 1`)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			all = append(all, line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return all
	}
	provider, _, err := migrators(db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	up := tables()
	if len(up) == 0 {
		t.Fatal("no tables are there")
	}

	if _, err := provider.DownTo(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string(nil), tables()); diff != "" {
		t.Errorf("down (-want +got):\n%s", diff)
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(up, tables()); diff != "" {
		t.Errorf("up again (-first +again):\n%s", diff)
	}
}

package store

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/testserver"
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

// On PostgreSQL the down migrations drop all tables, and the up migrations create the same columns again.
func TestMigrationsGoDownAndUpAgainOnPostgres(t *testing.T) {
	t.Parallel()
	server := testserver.SharedPostgres(t)
	if err := server.Create("down_and_up", ""); err != nil {
		t.Fatal(err)
	}
	db, err := OpenPostgres(server.URL("down_and_up"), 4)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	provider, _, err := migrators(db)
	if err != nil {
		t.Fatal(err)
	}
	columns := func() []string {
		t.Helper()
		return lines(t, &Store{readers: db.Readers}, `
			SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns
			WHERE table_schema = current_schema() AND table_name NOT LIKE 'goose%' ORDER BY 1`)
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	up := columns()

	if _, err := provider.DownTo(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if left := columns(); len(left) > 0 || len(up) == 0 {
		t.Errorf("of %d columns are left: %v", len(up), left)
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(up, columns()); diff != "" {
		t.Errorf("up again (-first +again):\n%s", diff)
	}
}

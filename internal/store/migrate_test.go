package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/store"
)

// schema returns every table and index as the database describes it.
func (w *world) schema(t *testing.T) [][]any {
	t.Helper()
	if w.db.Engine == store.Postgres {
		return selected(t, w.db.Readers, `
			SELECT table_name, column_name, data_type, column_default, is_nullable, collation_name
			FROM information_schema.columns WHERE table_schema = 'public'
			UNION ALL SELECT tablename, indexname, indexdef, NULL, NULL, NULL FROM pg_indexes WHERE schemaname = 'public'
			ORDER BY 1, 2`)
	}
	return selected(t, w.db.Readers, `SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2`)
}

func TestMigrateAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	db, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "new.db"))
	check(t, err)
	defer func() { check(t, db.Close()) }()
	empty, err := store.ReadSchema(t.Context(), db)
	check(t, err)
	if empty.Contest != 0 || empty.Queue != 0 || empty.Current() || empty.Newer() {
		t.Errorf("empty: got %+v", empty)
	}

	before, err := store.Migrate(t.Context(), db)
	check(t, err)

	if diff := cmp.Diff(empty, before); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	after, err := store.ReadSchema(t.Context(), db)
	check(t, err)
	want := store.Schema{Contest: empty.ContestWanted, ContestWanted: empty.ContestWanted, Queue: empty.QueueWanted, QueueWanted: empty.QueueWanted}
	if diff := cmp.Diff(want, after); diff != "" || !after.Current() || after.Newer() || after.Contest == 0 || after.Queue == 0 {
		t.Errorf("after (-want +got):\n%s", diff)
	}
	check(t, newWorld(t, db).Ping(t.Context()))
}

func TestMigrateTwiceIsTheSameAsOnce(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			w.public(t, w.player(t, "ana", ""), "Clavada", start)
			schema, content := w.schema(t), w.content(t)

			before, err := store.Migrate(t.Context(), w.db)
			check(t, err)

			if !before.Current() {
				t.Errorf("got %+v", before)
			}
			if diff := cmp.Diff(schema, w.schema(t)); diff != "" {
				t.Errorf("tables (-once +twice):\n%s", diff)
			}
			if diff := cmp.Diff(content, w.content(t)); diff != "" {
				t.Errorf("rows (-once +twice):\n%s", diff)
			}
		})
	}
}

func TestMigrateRefusesANewerSchema(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]string{
		"contest": `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)`,
		"queue":   `INSERT INTO river_migration (line, version) VALUES ('main', 99999)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, e := range engines() {
				t.Run(e.name, func(t *testing.T) {
					t.Parallel()
					w := e.world(t)
					w.player(t, "ana", "")
					w.exec(t, later)
					schema, content := w.schema(t), w.content(t)

					before, err := store.Migrate(t.Context(), w.db)

					if err == nil || !strings.Contains(err.Error(), "newer program") || !strings.Contains(err.Error(), "99999") {
						t.Errorf("got %v", err)
					}
					if !before.Newer() || before.Current() {
						t.Errorf("got %+v", before)
					}
					if diff := cmp.Diff(schema, w.schema(t)); diff != "" {
						t.Errorf("tables (-before +after):\n%s", diff)
					}
					if diff := cmp.Diff(content, w.content(t)); diff != "" {
						t.Errorf("rows (-before +after):\n%s", diff)
					}
				})
			}
		})
	}
}

// Both engines have the same migrations, by name.
func TestMigrationsPair(t *testing.T) {
	t.Parallel()
	names := func(engine string) (list []string) {
		entries, err := os.ReadDir(filepath.Join("migrations", engine))
		check(t, err)
		for _, e := range entries {
			list = append(list, e.Name())
		}
		return list
	}
	if diff := cmp.Diff(names("sqlite"), names("postgres")); diff != "" {
		t.Errorf("migrations (-sqlite +postgres):\n%s", diff)
	}
}

// The database refuses rows that the program must never write.
func TestTablesKeepTheirRules(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			star, fan := w.player(t, "ana", ""), w.player(t, "beto", "")
			v := w.public(t, star, "Clavada", start)
			check(t, second(w.AddVote(t.Context(), v.ID, fan.ID, at(900))))
			before := w.content(t)
			for name, query := range map[string]string{
				"a status there is not":     `UPDATE videos SET status = 'lost'`,
				"a format there is not":     `UPDATE videos SET format = 'exe'`,
				"votes below none":          `UPDATE videos SET votes = -1`,
				"a place below none":        `UPDATE standings SET votes = -1`,
				"text for a number":         `UPDATE videos SET votes = 'many'`,
				"a video of nobody":         `UPDATE videos SET player_id = 99`,
				"a token twice":             `INSERT INTO videos SELECT id + 100, player_id, task_id, title, status, failure, votes, token, format, size, run, city_key, search_key, uploaded_at, processed_at, published_at FROM videos`,
				"a vote twice":              `INSERT INTO votes SELECT * FROM votes`,
				"a voter who is not there":  `UPDATE votes SET voter_id = 99`,
				"a player with votes going": `DELETE FROM players`,
			} {
				if _, err := w.db.Writer.ExecContext(t.Context(), query); err == nil {
					t.Errorf("%s is taken", name)
				}
			}
			if diff := cmp.Diff(before, w.content(t)); diff != "" {
				t.Errorf("something changed (-before +after):\n%s", diff)
			}
		})
	}
}

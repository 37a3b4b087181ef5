package docs_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/store"
	"risingstars/internal/testserver"
)

var update = flag.Bool("update", false, "write the schema into docs/data-model.md")

const dataModel = "docs/data-model.md"

// table is what both engines have of a table. Cells of engines that differ are kept apart.
type table struct {
	columns  map[string]column
	order    []string // of the columns
	keys     []string
	indexes  map[string]string // what they are on, by name
	triggers map[string]string // when they run, by name
}

type column struct {
	kind     string
	nullable bool
}

// The document has every table, column, key, index and trigger of the migrated schema of both engines, and no other.
// go test ./docs -run TestDataModel -update writes them; what a column is for is written by hand, and kept.
func TestDataModel(t *testing.T) {
	t.Parallel()
	lite, post := liteSchema(t), postgresSchema(t)
	text := readText(t, dataModel)
	written := describe(t, text, lite, post)
	if *update {
		if err := os.WriteFile(filepath.Join(root, dataModel), []byte(written), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(text, written); diff != "" {
		t.Errorf("%s is not the migrated schema; go test ./docs -run TestDataModel -update (-is +should be):\n%s", dataModel, diff)
	}
	if strings.Contains(text, "|  |") {
		t.Errorf("%s does not say of each column, index and trigger what it is for", dataModel)
	}
}

var schemaPart = regexp.MustCompile(`(?s)<!-- schema of (\w+) -->\n(.*?)<!-- end -->`)

// describe replaces what the document says of the schema.
func describe(t *testing.T, text string, lite, post map[string]*table) string {
	t.Helper()
	if diff := cmp.Diff(slices.Sorted(maps.Keys(lite)), slices.Sorted(maps.Keys(post))); diff != "" {
		t.Fatalf("tables of SQLite and PostgreSQL (-SQLite +PostgreSQL):\n%s", diff)
	}
	described := map[string]bool{}
	text = schemaPart.ReplaceAllStringFunc(text, func(part string) string {
		match := schemaPart.FindStringSubmatch(part)
		name, before := match[1], match[2]
		described[name] = true
		l, p := lite[name], post[name]
		if l == nil {
			t.Errorf("there is no table %s", name)
			return part
		}
		if diff := cmp.Diff(l.order, p.order); diff != "" {
			t.Errorf("columns of %s (-SQLite +PostgreSQL):\n%s", name, diff)
		}
		if diff := cmp.Diff(l.keys, p.keys); diff != "" {
			t.Errorf("keys of %s (-SQLite +PostgreSQL):\n%s", name, diff)
		}
		return "<!-- schema of " + name + " -->\n" + l.markdown(p, remarks(before)) + "<!-- end -->"
	})
	for name := range lite {
		if !described[name] {
			t.Errorf("%s has no part about the table %s", dataModel, name)
		}
	}
	return text
}

// remarks are the last cells of all rows, by their first.
func remarks(text string) map[string]string {
	kept := map[string]string{}
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) > 3 {
			kept[strings.TrimSpace(cells[1])] = strings.TrimSpace(cells[len(cells)-2])
		}
	}
	return kept
}

// markdown are the tables about a table, with the remarks that there are.
func (l *table) markdown(p *table, remarks map[string]string) string {
	var b strings.Builder
	b.WriteString("| column | SQLite | PostgreSQL | what it is for |\n|---|---|---|---|\n")
	for _, name := range l.order {
		cell := "`" + name + "`"
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell, l.columns[name], p.columns[name], remarks[cell])
	}
	fmt.Fprintf(&b, "\n%s\n", strings.Join(l.keys, " "))
	if len(l.indexes) > 0 {
		b.WriteString("\n| index | on | what it is for |\n|---|---|---|\n")
		for _, name := range both(l.indexes, p.indexes) {
			cell := "`" + name + "`"
			fmt.Fprintf(&b, "| %s | `%s` | %s |\n", cell, engines(l.indexes[name], p.indexes[name]), remarks[cell])
		}
	}
	if len(l.triggers) > 0 {
		b.WriteString("\n| trigger | SQLite | PostgreSQL | what it is for |\n|---|---|---|---|\n")
		for _, name := range both(l.triggers, p.triggers) {
			cell := "`" + name + "`"
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell, orNone(l.triggers[name]), orNone(p.triggers[name]), remarks[cell])
		}
	}
	return b.String()
}

func (c column) String() string {
	if c.nullable {
		return c.kind + " or NULL"
	}
	return c.kind
}

// both are the names that one of the engines has.
func both(l, p map[string]string) []string {
	return slices.Compact(slices.Sorted(func(yield func(string) bool) {
		for _, m := range []map[string]string{l, p} {
			for name := range m {
				if !yield(name) {
					return
				}
			}
		}
	}))
}

// engines is what both say, or what each says.
func engines(l, p string) string {
	if l == p {
		return l
	}
	return "SQLite: " + orNone(l) + "; PostgreSQL: " + orNone(p)
}

func orNone(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// foreign tells the job queue's and the migrations' own tables.
func foreign(name string) bool {
	return strings.HasPrefix(name, "river_") || strings.HasPrefix(name, "goose_") || strings.HasPrefix(name, "sqlite_")
}

func liteSchema(t *testing.T) map[string]*table {
	t.Helper()
	db, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "contest.db"))
	return migrated(t, db, err, schema{
		columns: `SELECT m.name, c.name, c.type, NOT (c."notnull" OR c.pk > 0)
			FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table' ORDER BY m.name, c.cid`,
		keys: `SELECT m.name, 'Primary key: ' || group_concat('` + "`' || c.name || '`" + `', ', ' ORDER BY c.pk) || '.'
			FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table' AND c.pk > 0 GROUP BY m.name
			UNION ALL SELECT m.name, 'Unique: ' || (
				SELECT group_concat('` + "`' || c.name || '`" + `', ', ' ORDER BY c.seqno) FROM pragma_index_info(i.name) AS c) || '.'
			FROM sqlite_master AS m JOIN pragma_index_list(m.name) AS i WHERE m.type = 'table' AND i.origin = 'u'
			UNION ALL SELECT m.name, '` + "`' || f.\"from\" || '` refers to `' || f.\"table\" || '`" + `.'
			FROM sqlite_master AS m JOIN pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table'`,
		indexes: `SELECT tbl_name, name, substr(sql, instr(sql, ' ON ' || tbl_name) + length(tbl_name) + 5)
			FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL`,
		triggers: `SELECT tbl_name, name, substr(sql, instr(sql, name) + length(name) + 1, instr(sql, ' ON ') - instr(sql, name) - length(name) - 1)
			FROM sqlite_master WHERE type = 'trigger'`,
	})
}

func postgresSchema(t *testing.T) map[string]*table {
	t.Helper()
	server := testserver.SharedPostgres(t)
	if err := server.Create("data_model", ""); err != nil {
		t.Fatal(err)
	}
	db, err := store.OpenPostgres(server.URL("data_model"), 4)
	return migrated(t, db, err, schema{
		columns: `SELECT c.relname, a.attname,
				CASE format_type(a.atttypid, a.atttypmod) WHEN 'timestamp with time zone' THEN 'TIMESTAMPTZ'
				ELSE upper(format_type(a.atttypid, a.atttypmod)) END, NOT a.attnotnull
			FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
			WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
			ORDER BY c.relname, a.attnum`,
		keys: `SELECT c.relname, CASE k.contype WHEN 'p' THEN 'Primary key: ' WHEN 'u' THEN 'Unique: ' ELSE '' END || (
				SELECT string_agg('` + "`' || a.attname || '`" + `', ', ' ORDER BY n.at)
				FROM unnest(k.conkey) WITH ORDINALITY AS n (attnum, at) JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = n.attnum
			) || CASE k.contype WHEN 'f' THEN ' refers to ` + "`' || k.confrelid::regclass || '`" + `' ELSE '' END || '.'
			FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid
			WHERE k.contype IN ('p', 'u', 'f') AND k.connamespace = 'public'::regnamespace`,
		indexes: `SELECT i.tablename, i.indexname, regexp_replace(i.indexdef, '^.* USING btree ', '')
			FROM pg_indexes AS i
			WHERE i.schemaname = 'public' AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = i.indexname)`,
		triggers: `SELECT c.relname, g.tgname, substring(pg_get_triggerdef(g.oid) FROM g.tgname || ' (.*?) ON ')
				|| CASE WHEN g.tginitdeferred THEN ', deferred to the commit' WHEN g.tgtype & 1 = 0 THEN ', once a statement' ELSE '' END
			FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid WHERE NOT g.tgisinternal`,
	})
}

// schema are the questions about a schema.
type schema struct{ columns, keys, indexes, triggers string }

// migrated migrates a new database and reads its schema.
func migrated(t *testing.T, db *store.DB, err error, ask schema) map[string]*table {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // it is thrown away
	if _, err := store.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	tables := map[string]*table{}
	query(t, db.Readers, ask.columns, func(row *sql.Rows) (name string, keep func(*table), err error) {
		var of, kind string
		var nullable bool
		err = row.Scan(&name, &of, &kind, &nullable)
		return name, func(to *table) {
			to.order = append(to.order, of)
			to.columns[of] = column{kind, nullable}
		}, err
	}, tables)
	query(t, db.Readers, ask.keys, func(row *sql.Rows) (name string, keep func(*table), err error) {
		var key string
		err = row.Scan(&name, &key)
		return name, func(to *table) { to.keys = append(to.keys, key) }, err
	}, tables)
	for text, of := range map[string]func(*table) map[string]string{
		ask.indexes:  func(to *table) map[string]string { return to.indexes },
		ask.triggers: func(to *table) map[string]string { return to.triggers },
	} {
		query(t, db.Readers, text, func(row *sql.Rows) (name string, keep func(*table), err error) {
			var own, what string
			err = row.Scan(&name, &own, &what)
			return name, func(to *table) { of(to)[own] = plainIndex(what) }, err
		}, tables)
	}
	for _, to := range tables {
		slices.SortFunc(to.keys, func(a, b string) int { return strings.Compare(keyOrder(a), keyOrder(b)) })
	}
	return tables
}

// keyOrder puts the primary key first and references last.
func keyOrder(key string) string {
	switch {
	case strings.HasPrefix(key, "Primary"):
		return "0" + key
	case strings.HasPrefix(key, "Unique"):
		return "1" + key
	}
	return "2" + key
}

// plainIndex is what an index is on as migrations write it: PostgreSQL adds parentheses and casts.
func plainIndex(text string) string {
	text = strings.ReplaceAll(text, "::text", "")
	text = regexp.MustCompile(`\((\w+) = ANY \(ARRAY\[([^\]]*)\]\)\)`).ReplaceAllString(text, "$1 IN ($2)")
	text = regexp.MustCompile(`WHERE \((.*)\)$`).ReplaceAllString(text, "WHERE $1")
	return strings.TrimSpace(text)
}

// query keeps what is in the rows of a question.
func query(t *testing.T, db *sql.DB, text string, read func(*sql.Rows) (string, func(*table), error), tables map[string]*table) {
	t.Helper()
	rows, err := db.QueryContext(context.WithoutCancel(t.Context()), text)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		name, keep, err := read(rows)
		if err != nil {
			t.Fatal(err)
		}
		if foreign(name) {
			continue
		}
		if tables[name] == nil {
			tables[name] = &table{columns: map[string]column{}, indexes: map[string]string{}, triggers: map[string]string{}}
		}
		keep(tables[name])
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestMain(m *testing.M) { os.Exit(testserver.Main(m)) }

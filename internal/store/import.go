package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"risingstars/internal/contest"
)

// contestTables are all tables of the contest, each after the tables that it refers to. An import refuses a source that
// has another one.
var contestTables = []string{"contest", "players", "videos", "votes", "votes_taken_back", "votes_set_aside", "standings", "sessions", "uploads", "standings_before", "audit_log"}

// counted is the table that triggers of the target fill when videos are inserted.
const counted = "public_counts"

// brought selects the rows of a table that an import copies: all of them, but of uploads only those that have become
// videos. The partial files of the others are not copied, so their clients start again.
func brought(table string) string {
	if table == "uploads" {
		return table + ` WHERE video_id <> 0`
	}
	return table
}

// Import moves a contest from SQLite to PostgreSQL.
type Import struct {
	From, To *DB
	Queue    Queue                                 // of To
	Progress func(table string, rows, inAll int64) // is called after some rows and at the end of each table; may be nil
}

// Imported counts what an import has copied.
type Imported struct {
	Players, Videos, Votes int64
	Queued                 int // unfinished videos, which have a new job
}

// Run copies everything in one transaction and verifies the counts before it commits, so the target has all of it or
// nothing. It does not change the source; no other process may write there during the import. It refuses a source whose
// tables are not at this program's version, migrates the target, and refuses a target that has players, jobs or an
// audit log.
//
// Ids and times are kept. The target continues after the highest id that was ever used, so no id is used twice.
// Unfinished videos get a new job. The others keep the id of their old job, which no new job gets.
func (m *Import) Run(ctx context.Context) (got Imported, err error) {
	if err := m.checkSource(ctx); err != nil {
		return got, err
	}
	if err := refuseInhabited(ctx, m.To.Writer); err != nil { // before Migrate changes the target
		return got, err
	}
	if _, err := Migrate(ctx, m.To); err != nil {
		return got, err
	}
	source, err := m.From.Readers.BeginTx(ctx, nil) // a snapshot from its first query on
	if err != nil {
		return got, fmt.Errorf("read the contest: %w", err)
	}
	defer func() { _ = source.Rollback() }() // it only reads
	conn, err := m.To.Writer.Conn(ctx)
	if err != nil {
		return got, fmt.Errorf("import: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	err = inTransaction(ctx, conn, func(tx *sql.Tx) error {
		got, err = m.move(ctx, moving{source: source, conn: conn, tx: tx, progress: m.Progress})
		return err
	})
	if err != nil {
		return Imported{}, fmt.Errorf("import: %w", err)
	}
	return got, nil
}

func (m *Import) checkSource(ctx context.Context) error {
	schema, err := ReadSchema(ctx, m.From)
	switch {
	case err != nil:
		return err
	case schema.Newer():
		return errors.New("a newer program made the tables that are to be imported: use that program")
	case !schema.Current():
		return errors.New("an older program made the tables that are to be imported: run risingstars migrate on them first, " +
			"with DATA_DIR and without DATABASE_URL")
	}
	return nil
}

// refuseInhabited fails if the target has players, audit entries, or jobs whose ids could be those of the imported
// videos' jobs.
func refuseInhabited(ctx context.Context, db interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
},
) error {
	for _, table := range []string{"players", "river_job", "audit_log"} {
		var there bool
		err := db.QueryRowContext(ctx, `SELECT to_regclass($1) IS NOT NULL`, table).Scan(&there)
		if err == nil && there {
			err = db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM `+table+`)`).Scan(&there)
		}
		if err != nil {
			return fmt.Errorf("look whether the target is empty: %w", err)
		}
		if there {
			return fmt.Errorf("the target has a contest already (there are rows in %s): import into a database of its own", table)
		}
	}
	return nil
}

// move copies all tables within the import's transaction. It locks the target's tables against other writers until
// commit.
func (m *Import) move(ctx context.Context, w moving) (got Imported, err error) {
	for _, statement := range []string{
		`SET LOCAL statement_timeout = 0`,
		`SET LOCAL idle_in_transaction_session_timeout = 0`,
		`LOCK TABLE ` + strings.Join(contestTables, ", ") + ` IN SHARE ROW EXCLUSIVE MODE`,
		`DELETE FROM contest`, // the identity that a contest without players has got
	} {
		if _, err := w.tx.ExecContext(ctx, statement); err != nil {
			return got, fmt.Errorf("prepare the target: %w", err)
		}
	}
	if err := refuseInhabited(ctx, w.tx); err != nil {
		return got, err
	}
	if err := w.knowsAllTables(ctx); err != nil {
		return got, err
	}
	rows := map[string]int64{}
	for _, table := range contestTables {
		if rows[table], err = w.copyTable(ctx, table); err != nil {
			return got, fmt.Errorf("copy %s: %w", table, err)
		}
	}
	if err := w.keepIDs(ctx); err != nil {
		return got, fmt.Errorf("keep ids from being given out again: %w", err)
	}
	got = Imported{Players: rows["players"], Videos: rows["videos"], Votes: rows["votes"]}
	if got.Queued, err = requeueAll(ctx, w.tx, m.Queue); err != nil {
		return got, fmt.Errorf("queue what is on its way: %w", err)
	}
	return got, w.verify(ctx)
}

// knowsAllTables fails if the source has a table that the import would not copy.
func (w moving) knowsAllTables(ctx context.Context) error {
	names, err := texts(ctx, w.source, `
		SELECT name FROM sqlite_schema
		WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE 'river\_%' ESCAPE '\'
			AND name <> 'goose_db_version'
		ORDER BY name`)
	if err != nil {
		return fmt.Errorf("list the tables: %w", err)
	}
	for _, name := range names {
		if name != counted && !slices.Contains(contestTables, name) {
			return fmt.Errorf("nobody has said how the table %s is imported", name)
		}
	}
	return nil
}

// keepIDs sets the target's sequences to the highest ids that were ever used. Videos keep the ids of their jobs, so the
// sequence of the jobs is set as well.
func (w moving) keepIDs(ctx context.Context) error {
	for _, table := range []string{"players", "videos", "river_job", "audit_log"} {
		var highest int64
		err := w.source.QueryRowContext(ctx, `
			SELECT max(
				COALESCE((SELECT seq FROM sqlite_sequence WHERE name = $1), 0),
				COALESCE((SELECT max(CAST(task_id AS INTEGER)) FROM videos WHERE $1 = 'river_job'), 0))`, table).Scan(&highest)
		if err != nil {
			return fmt.Errorf("of %s: %w", table, err)
		}
		if highest == 0 {
			continue
		}
		_, err = w.tx.ExecContext(ctx, `
			SELECT setval(name, GREATEST(pg_sequence_last_value(name), $1))
			FROM (SELECT CAST(pg_get_serial_sequence($2, 'id') AS regclass) AS name) AS sequence`, highest, table)
		if err != nil {
			return fmt.Errorf("of %s: %w", table, err)
		}
	}
	return nil
}

// requeueAll gives every unfinished video a new job, in the order of upload, and returns how many.
func requeueAll(ctx context.Context, tx *sql.Tx, queue Queue) (int, error) {
	rows, err := tx.QueryContext(ctx, `
		UPDATE videos SET status = 'uploaded', holder = '', progress = 0
		WHERE status IN ('uploaded', 'processing')
		RETURNING id, player_id, uploaded_at`)
	if err != nil {
		return 0, err
	}
	waiting, err := all(rows, func(row scanner) (v contest.Video, err error) {
		return v, row.Scan(&v.ID, &v.PlayerID, (*timestamp)(&v.UploadedAt))
	})
	if err != nil {
		return 0, err
	}
	slices.SortFunc(waiting, func(a, b contest.Video) int {
		return cmp.Or(a.UploadedAt.Compare(b.UploadedAt), cmp.Compare(a.ID, b.ID))
	})
	before := map[int64]int{} // by player
	for _, v := range waiting {
		taskID, err := queue.EnqueueTx(ctx, tx, contest.ProcessVideo{VideoID: v.ID}, before[v.PlayerID])
		if err != nil {
			return 0, fmt.Errorf("video %d: %w", v.ID, err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE videos SET task_id = $1 WHERE id = $2`, taskID, v.ID); err != nil {
			return 0, fmt.Errorf("video %d: %w", v.ID, err)
		}
		before[v.PlayerID]++
	}
	return len(waiting), nil
}

// verify compares the numbers of rows in source and target, and the vote counters with the votes.
func (w moving) verify(ctx context.Context) error {
	for _, table := range contestTables {
		var read, written int64
		err := errors.Join(
			w.source.QueryRowContext(ctx, `SELECT count(*) FROM `+brought(table)).Scan(&read),
			w.tx.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&written))
		if err != nil {
			return fmt.Errorf("count %s: %w", table, err)
		}
		if read != written {
			return fmt.Errorf("of %d rows in %s, %d have arrived", read, table, written)
		}
	}
	for _, counters := range []struct{ of, query string }{
		{"videos", `SELECT count(*) FROM videos LEFT JOIN
				(SELECT video_id, count(*) AS votes FROM votes GROUP BY video_id) AS given ON given.video_id = videos.id
			WHERE videos.votes <> COALESCE(given.votes, 0)`},
		{"players", `SELECT count(*) FROM standings LEFT JOIN
				(SELECT player_id, count(*) AS votes FROM votes GROUP BY player_id) AS given USING (player_id)
			WHERE standings.votes <> COALESCE(given.votes, 0)`},
	} {
		var wrong int64
		if err := w.tx.QueryRowContext(ctx, counters.query).Scan(&wrong); err != nil {
			return fmt.Errorf("count the votes of %s: %w", counters.of, err)
		}
		if wrong > 0 {
			return fmt.Errorf("the counters of %d %s are not the numbers of their votes", wrong, counters.of)
		}
	}
	if err := w.verifyPublic(ctx); err != nil {
		return err
	}
	_, err := w.tx.ExecContext(ctx, `ANALYZE `+strings.Join(contestTables, ", ")+`, `+counted) // for the planner
	return err
}

// verifyPublic compares the source's number of public videos with the one that the target's triggers have counted.
func (w moving) verifyPublic(ctx context.Context) error {
	const sum = `SELECT CAST(COALESCE(sum(videos), 0) AS BIGINT) FROM ` + counted
	var read, written int64
	err := errors.Join(w.source.QueryRowContext(ctx, sum).Scan(&read), w.tx.QueryRowContext(ctx, sum).Scan(&written))
	if err != nil {
		return fmt.Errorf("count the public videos: %w", err)
	}
	if read != written {
		return fmt.Errorf("there are %d public videos, by the count that was kept, and %d have arrived", read, written)
	}
	return nil
}

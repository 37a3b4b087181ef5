package store_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
	"risingstars/internal/store"
)

// These tests ask SQLite for the query plans of the statements that the store sends. A driver records the statements.

func TestPlans(t *testing.T) {
	t.Parallel()
	page := contest.Page{Number: 3, Limit: 10}
	var (
		rankingPage = []string{
			"SCAN page",
			"SEARCH p USING INTEGER PRIMARY KEY (rowid=?)",
			"SEARCH b USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN",
		}
		publicPage = []string{
			"SCAN page",
			"SEARCH v USING INTEGER PRIMARY KEY (rowid=?)",
			"SEARCH p USING INTEGER PRIMARY KEY (rowid=?)",
		}
	)
	tests := map[string]struct {
		call func(context.Context, *store.Store) error
		// want is the access path of each table, statement by statement. A sort would be listed as a temp B-tree.
		want []string
	}{
		"ranking": {
			func(ctx context.Context, s *store.Store) error {
				return second(s.RankingPage(ctx, contest.RankingQuery{Page: page}))
			},
			append([]string{"SCAN standings USING COVERING INDEX standings_national"}, rankingPage...),
		},
		"ranking of a city": {
			func(ctx context.Context, s *store.Store) error {
				return second(s.RankingPage(ctx, contest.RankingQuery{Page: page, City: "Cali"}))
			},
			append([]string{"SEARCH standings USING COVERING INDEX standings_by_city (city_key=?)"}, rankingPage...),
		},
		"public list": {
			func(ctx context.Context, s *store.Store) error {
				return second(s.PublicVideos(ctx, contest.PublicQuery{Page: page}))
			},
			append([]string{"SCAN videos USING COVERING INDEX videos_public"}, publicPage...),
		},
		"public list of a city": {
			func(ctx context.Context, s *store.Store) error {
				return second(s.PublicVideos(ctx, contest.PublicQuery{Page: page, City: "Cali"}))
			},
			append([]string{"SEARCH videos USING COVERING INDEX videos_public_by_city (city_key=?)"}, publicPage...),
		},
		"count": {
			func(ctx context.Context, s *store.Store) error {
				return second(s.CountPublicVideos(ctx, contest.PublicQuery{}))
			},
			[]string{"SCAN public_counts"},
		},
		"count of a city": {
			func(ctx context.Context, s *store.Store) error {
				return second(s.CountPublicVideos(ctx, contest.PublicQuery{City: "Cali"}))
			},
			[]string{"SEARCH public_counts USING PRIMARY KEY (city_key=?)"},
		},
		"video": {
			func(ctx context.Context, s *store.Store) error { return second(s.VideoByID(ctx, 1)) },
			[]string{"SEARCH videos USING INTEGER PRIMARY KEY (rowid=?)"},
		},
		"video by token": {
			func(ctx context.Context, s *store.Store) error { return second(s.VideoByToken(ctx, "x")) },
			[]string{"SEARCH videos USING INDEX sqlite_autoindex_videos_1 (token=?)"},
		},
		"videos of a player": {
			func(ctx context.Context, s *store.Store) error { return second(s.VideosOfPlayer(ctx, 1)) },
			[]string{"SEARCH videos USING INDEX videos_of_player (player_id=?)"},
		},
		"credentials": {
			func(ctx context.Context, s *store.Store) error {
				_, _, err := s.CredentialsByEmail(ctx, "a@b.co")
				return err
			},
			[]string{"SEARCH players USING INDEX sqlite_autoindex_players_1 (email_key=?)"},
		},
		"unfinished": {
			func(ctx context.Context, s *store.Store) error { return second(s.Unfinished(ctx, start)) },
			[]string{"SEARCH videos USING INDEX videos_unfinished (uploaded_at<?)"},
		},
		"failed": {
			func(ctx context.Context, s *store.Store) error {
				return second(s.Failed(ctx, contest.Video{UploadedAt: start}, 10))
			},
			[]string{"SEARCH videos USING INDEX videos_failed (uploaded_at>?)"},
		},
		"vote": {
			func(ctx context.Context, s *store.Store) error { return second(s.AddVote(ctx, 1, 3, start)) },
			[]string{
				"SEARCH standings USING INTEGER PRIMARY KEY (rowid=?)",
				"SEARCH videos USING INTEGER PRIMARY KEY (rowid=?)",
				"SEARCH standings USING INTEGER PRIMARY KEY (rowid=?)", // the votes of the fixture are later than start
				"SEARCH videos USING INTEGER PRIMARY KEY (rowid=?)",
				"SEARCH votes_set_aside USING PRIMARY KEY (voter_id=? AND video_id=?)",
			},
		},
		"take back": {
			func(ctx context.Context, s *store.Store) error { return second(s.WithdrawVote(ctx, 1, 2)) },
			[]string{
				"SEARCH standings USING INTEGER PRIMARY KEY (rowid=?)",
				"SEARCH votes USING PRIMARY KEY (voter_id=? AND video_id=?)",
				"SEARCH votes USING PRIMARY KEY (voter_id=? AND video_id=?)",
				"SEARCH standings USING INTEGER PRIMARY KEY (rowid=?)",
				"SEARCH votes_taken_back USING PRIMARY KEY (player_id=? AND voted_at=?)",
				"SEARCH standings USING INTEGER PRIMARY KEY (rowid=?)",
				"SEARCH videos USING INTEGER PRIMARY KEY (rowid=?)",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, taken, plan := planned(t)
			if err := test.call(t.Context(), s); err != nil && !isRefusal(err) {
				t.Fatal(err)
			}
			var got []string
			for _, statement := range taken.list() {
				got = append(got, plan(statement)...)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

func isRefusal(err error) bool {
	var refusal *contest.Refusal
	return errors.As(err, &refusal)
}

// planned returns a store whose statements are recorded, on a database with one player who has one vote, and a function
// that returns SQLite's query plan of a statement.
func planned(t *testing.T) (*store.Store, *statements, func(statement) []string) {
	t.Helper()
	dir := t.TempDir()
	db, err := openSQLite(t.Context(), dir)
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	w := newWorld(t, db)
	v := w.public(t, w.player(t, "ana", "Cali"), "Clavada", start)
	check(t, second(w.AddVote(t.Context(), v.ID, w.player(t, "beto", "").ID, at(900))))
	w.player(t, "caro", "")

	name := (&url.URL{Scheme: "file", Path: filepath.Join(dir, fileName), RawQuery: url.Values{
		"_pragma": {"foreign_keys(1)", "busy_timeout(5000)"}, "_txlock": {"immediate"},
	}.Encode()}).String()
	taken := &statements{}
	tap := sql.OpenDB(tap{db.Writer.Driver(), name, taken})
	tap.SetMaxOpenConns(1)
	t.Cleanup(func() { check(t, tap.Close()) })
	plan := func(s statement) (steps []string) {
		t.Helper()
		for _, row := range selected(t, db.Readers, "EXPLAIN QUERY PLAN "+s.text, s.args...) {
			step := fmt.Sprint(row[3])
			if strings.HasPrefix(step, "SCAN") || strings.HasPrefix(step, "SEARCH") || strings.HasPrefix(step, "USE TEMP B-TREE") {
				steps = append(steps, step)
			}
		}
		return steps
	}
	return store.New(&store.DB{Writer: tap, Readers: tap}, store.Options{Queue: w.queue}), taken, plan
}

type statement struct {
	text string
	args []any
}

// statements records what goes through a tap, without BEGIN and COMMIT.
type statements struct {
	mu  sync.Mutex
	all []statement
}

func (s *statements) list() []statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

func (s *statements) add(text string, values []driver.NamedValue) {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v.Value
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, statement{text, args})
}

// tap connects to a database and records every statement.
type tap struct {
	driver driver.Driver
	name   string
	taken  *statements
}

func (t tap) Driver() driver.Driver { return t.driver }

func (t tap) Connect(context.Context) (driver.Conn, error) {
	conn, err := t.driver.Open(t.name)
	return tapped{conn, t.taken}, err
}

type tapped struct {
	driver.Conn
	taken *statements
}

func (c tapped) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

func (c tapped) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.taken.add(text, args)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, text, args)
}

func (c tapped) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.taken.add(text, args)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, text, args)
}

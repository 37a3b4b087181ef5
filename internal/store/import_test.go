package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
	"risingstars/internal/jobs"
	"risingstars/internal/store"
)

// sourceFile is the database file of source. The first test that needs it makes it; each test gets a copy.
var sourceFile struct {
	once    sync.Once
	content []byte
}

// source returns a contest on SQLite with everything that an import must keep.
func source(t *testing.T) *world {
	t.Helper()
	sourceFile.once.Do(func() {
		path := filepath.Join(t.TempDir(), fileName)
		check(t, makeSource(t).db.Snapshot(t.Context(), path))
		content, err := os.ReadFile(path)
		check(t, err)
		sourceFile.content = content
	})
	db, err := openCopy(t.Context(), t.TempDir(), sourceFile.content)
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	return newWorld(t, db)
}

func makeSource(t *testing.T) *world {
	t.Helper()
	w := engines()[0].world(t)
	check(t, second(w.Identity(t.Context())))
	for i, name := range []string{"ana", "beto", "Ñandú", "zoë", "fan"} {
		_, err := w.AddPlayer(t.Context(), contest.Player{
			FirstName: name, LastName: `de "la" O'Çelik\` + "\t", Email: name + "@Example.org",
			City: []string{"Bogotá", "BOGOTA", "Medellín", "", "Tunja"}[i], Country: "Colombia",
			CreatedAt: start.Add(time.Duration(i) * 1234567 * time.Microsecond),
		}, "hash of "+name)
		check(t, err)
	}
	players := w.people(t)
	ana, beto := players[0], players[1]
	star := w.public(t, ana, "Clavada 🏀", start.Add(time.Microsecond))
	other := w.public(t, beto, "Triple", start.Add(999999*time.Microsecond))
	w.public(t, players[2], "Bandeja", at(3))
	w.bring(t, w.upload(t, ana, "Rota", at(4)), contest.Failed)
	w.bring(t, w.upload(t, ana, "Lista", at(5)), contest.Processed)
	late := w.upload(t, beto, "En cola", at(9))
	running := w.bring(t, w.upload(t, beto, "En curso", at(6)), contest.Processing)
	check(t, w.Beat(t.Context(), runOf(running), 42))
	w.exec(t, `UPDATE river_job SET state = 'running' WHERE id = $1`, running.TaskID)
	w.exec(t, `UPDATE river_job SET state = 'completed', finalized_at = created_at
		WHERE CAST(id AS TEXT) NOT IN ($1, $2)`, running.TaskID, late.TaskID)
	for i, voter := range players[1:] {
		check(t, second(w.AddVote(t.Context(), star.ID, voter.ID, at(100).Add(time.Duration(i)*time.Microsecond))))
	}
	check(t, second(w.CastVote(t.Context(), other.ID, ana.ID, at(200), contest.VoteSignal{Origin: "somewhere", VoterAge: time.Hour})))
	check(t, second(w.WithdrawVote(t.Context(), star.ID, players[4].ID)))
	check(t, second(w.CastVote(t.Context(), other.ID, players[4].ID, at(201), contest.VoteSignal{Origin: "elsewhere", VoterAge: time.Minute})))
	check(t, second(w.ChangePassword(t.Context(), players[3], "another hash", at(202))))
	check(t, second(w.WithdrawVote(t.Context(), other.ID, ana.ID)))
	gone := w.bring(t, w.upload(t, ana, "Borrada", at(8)), contest.Processed)
	check(t, w.DeleteVideo(t.Context(), gone.ID))
	w.exec(t, `DELETE FROM players WHERE id = $1`, w.player(t, "nobody", "").ID)
	check(t, w.AddSession(t.Context(), "hash of a cookie", ana.ID, 7, at(300), at(400)))
	check(t, w.AddUpload(t.Context(), contest.PartialUpload{
		ID: "x", PlayerID: ana.ID, Title: "Entera 🏀", DeclaredType: "video/mp4", Size: 5 << 30, ExpiresAt: at(500),
	}))
	w.exec(t, `UPDATE uploads SET video_id = $1`, star.ID)
	check(t, w.RememberRanking(t.Context(), at(300), start))
	w.decide(t, star, players[3])
	return w
}

// decide applies moderation decisions: it voids a vote, hides a video and suspends an account.
func (w *world) decide(t *testing.T, star contest.Video, voter contest.Player) {
	t.Helper()
	check(t, second(w.VoidVotes(t.Context(), contest.VoteSelection{VoterID: voter.ID, PlayerID: star.PlayerID}, decision)))
	hidden, shut := w.public(t, w.player(t, "oculta", "Cali"), "Retirada", at(10)), w.public(t, w.player(t, "cerrada", "Cali"), "Cerrada", at(11))
	for _, v := range []contest.Video{hidden, shut} {
		check(t, second(w.AddVote(t.Context(), v.ID, voter.ID, at(400))))
	}
	check(t, second(w.HideVideo(t.Context(), hidden.ID, decision)))
	check(t, second(w.SuspendAccount(t.Context(), shut.PlayerID, decision)))
}

// people returns all players.
func (w *world) people(t tester) (list []contest.Player) {
	t.Helper()
	for _, row := range selected(t, w.db.Readers, `SELECT id FROM players ORDER BY id`) {
		id, _ := row[0].(int64)
		p, err := w.PlayerByID(t.Context(), id)
		check(t, err)
		list = append(list, p)
	}
	return list
}

// target returns an import of the contest into a migrated PostgreSQL database, and a store on that database.
func target(t *testing.T, from *world) (*store.Import, *world) {
	t.Helper()
	useServer(t)
	url, err := store.NewMigratedPostgres(server)
	check(t, err)
	return targetAt(t, from, url)
}

func targetAt(t *testing.T, from *world, url string) (*store.Import, *world) {
	t.Helper()
	db := connect(t, url)
	queue, err := jobs.NewQueue(queueOf(db))
	check(t, err)
	return &store.Import{From: from.db, To: db, Queue: queue}, newWorld(t, db)
}

// answers has the results of all of a store's queries.
type answers struct {
	Identity string
	Hashes   map[string]string
	Players  map[string]contest.Player
	Videos   map[string][]contest.Video
	Public   map[string][]contest.PublicVideo
	Ranking  map[string][]contest.Standing
	Votes    []string
	Aside    []string
	Site     []string
}

func (w *world) answers(t *testing.T) answers {
	t.Helper()
	ctx := t.Context()
	a := answers{
		Hashes: map[string]string{}, Players: map[string]contest.Player{}, Videos: map[string][]contest.Video{},
		Public: map[string][]contest.PublicVideo{}, Ranking: map[string][]contest.Standing{},
	}
	var err error
	a.Identity, err = w.Identity(ctx)
	check(t, err)
	for _, p := range w.people(t) {
		email := strings.ToUpper(p.Email)
		a.Players[email], a.Hashes[email], err = w.CredentialsByEmail(ctx, email)
		check(t, err)
		a.Videos[email], err = w.VideosOfPlayer(ctx, p.ID)
		check(t, err)
	}
	page := contest.Page{Number: 1, Limit: 50}
	for _, text := range []string{"", "bogota", "medellín", "tunja"} {
		a.Ranking[text], err = w.RankingPage(ctx, contest.RankingQuery{Page: page, City: text})
		check(t, err)
		a.Public[text], err = w.PublicVideos(ctx, contest.PublicQuery{Page: page, City: text})
		check(t, err)
	}
	a.Public["search"], err = w.PublicVideos(ctx, contest.PublicQuery{Page: page, Search: "ñandú"})
	check(t, err)
	for _, row := range selected(t, w.db.Readers, `SELECT voted_at, video_id, voter_id, player_id, origin, voter_age FROM votes ORDER BY 2, 3`) {
		a.Votes = append(a.Votes, fmt.Sprint(moment(row[0]), row[1:]))
	}
	for _, row := range selected(t, w.db.Readers, `SELECT voted_at, video_id, voter_id, player_id, origin, voter_age, why FROM votes_set_aside ORDER BY 2, 3`) {
		a.Aside = append(a.Aside, fmt.Sprint(moment(row[0]), row[1:]))
	}
	for _, row := range selected(t, w.db.Readers, `SELECT expires_at, token_hash, player_id, generation FROM sessions`) {
		a.Site = append(a.Site, fmt.Sprint(moment(row[0]), row[1:]))
	}
	begun, err := w.ExpiredUploads(ctx, at(1000))
	check(t, err)
	a.Site = append(a.Site, fmt.Sprintf("%+v", begun))
	for _, row := range selected(t, w.db.Readers, `SELECT taken_at, player_id, position, city_position FROM standings_before ORDER BY 2`) {
		a.Site = append(a.Site, fmt.Sprint(moment(row[0]), row[1:]))
	}
	for _, row := range selected(t, w.db.Readers, `SELECT reached_at, player_id, votes, city_key, decided FROM standings ORDER BY 2`) {
		a.Votes = append(a.Votes, fmt.Sprint(moment(row[0]), row[1:]))
	}
	acts, err := w.AuditEntries(ctx, contest.AuditQuery{Limit: 100})
	check(t, err)
	for _, act := range acts {
		a.Site = append(a.Site, fmt.Sprintf("%+v", act))
	}
	return a
}

// moment formats a time as SQLite stores it.
func moment(value any) any {
	if at, ok := value.(time.Time); ok {
		return at.UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	return value
}

// requeued resets the fields of unfinished videos that an import changes.
func requeued(a answers) answers {
	for _, videos := range a.Videos {
		for i, v := range videos {
			if v.Status == contest.Uploaded || v.Status == contest.Processing {
				videos[i].Status, videos[i].TaskID, videos[i].Progress = contest.Uploaded, "", 0
			}
		}
	}
	return a
}

func TestImportedContestAnswersTheSame(t *testing.T) {
	t.Parallel()
	from := source(t)
	move, to := targetAt(t, from, emptyPostgres(t)) // the import migrates it
	content, before := from.content(t), from.answers(t)
	if len(before.Aside) != 3 || from.number(t, `SELECT max(decided) FROM standings`) == 0 {
		t.Fatalf("set aside: %v", before.Aside)
	}

	got, err := move.Run(t.Context())

	check(t, err)
	if diff := cmp.Diff(store.Imported{Players: 7, Videos: 9, Votes: 3, Queued: 2}, got); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(requeued(before), requeued(to.answers(t))); diff != "" {
		t.Errorf("(-SQLite +PostgreSQL):\n%s", diff)
	}
	if diff := cmp.Diff(content, from.content(t)); diff != "" {
		t.Errorf("the source has changed:\n%s", diff)
	}
	to.agree(t)
}

// The partial file of an unfinished upload is not imported, so its row must not be imported either.
func TestImportLeavesUnfinishedUploads(t *testing.T) {
	t.Parallel()
	from := source(t)
	check(t, from.AddUpload(t.Context(), contest.PartialUpload{
		ID: "y", PlayerID: from.people(t)[0].ID, Title: "A medias", Size: 5, ExpiresAt: at(500),
	}))
	move, to := target(t, from)

	check(t, second(move.Run(t.Context())))

	got, err := to.ExpiredUploads(t.Context(), at(1000))
	check(t, err)
	if len(got) != 1 || got[0].ID != "x" {
		t.Errorf("got %+v", got)
	}
}

func TestImportGivesNoIDTwice(t *testing.T) {
	t.Parallel()
	from := source(t)
	move, to := target(t, from)
	check(t, second(move.Run(t.Context())))
	highest := func(name string) int64 {
		return from.number(t, `SELECT seq FROM sqlite_sequence WHERE name = $1`, name)
	}

	p := to.player(t, "new", "")
	v := to.upload(t, p, "Nueva", at(1000))

	task, err := strconv.ParseInt(v.TaskID, 10, 64)
	check(t, err)
	want := []int64{highest("players") + 1, highest("videos") + 1, highest("river_job") + 3} // two jobs are new
	if diff := cmp.Diff(want, []int64{p.ID, v.ID, task}); diff != "" {
		t.Errorf("player, video, job (-want +got):\n%s", diff)
	}
}

// Each unfinished video has one available job, in the order of upload. The other videos have none.
func TestImportQueuesWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	from := source(t)
	move, to := target(t, from)
	check(t, second(move.Run(t.Context())))

	var got []string
	for _, row := range selected(t, to.db.Readers, `
		SELECT title, status, holder, progress, state, attempt, priority FROM river_job
		LEFT JOIN videos ON task_id = CAST(river_job.id AS TEXT) AND videos.id = CAST(args ->> 'video_id' AS BIGINT)
		ORDER BY river_job.id`) {
		got = append(got, fmt.Sprint(row...))
	}

	want := []string{
		fmt.Sprint("En curso", "uploaded", "", int64(0), "available", int64(0), int64(1)),
		fmt.Sprint("En cola", "uploaded", "", int64(0), "available", int64(0), int64(2)),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	unfinished, err := to.Unfinished(t.Context(), at(10000))
	check(t, err)
	for _, v := range unfinished {
		to.bring(t, v, contest.Public)
	}
	to.agree(t)
}

// An import that is refused or fails writes nothing.
func TestImportRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before func(t tester, from, to *world)
		says   string
	}{
		"a table of which nobody knows": {func(t tester, from, _ *world) {
			from.exec(t, `CREATE TABLE sponsors (id INTEGER PRIMARY KEY) STRICT`)
		}, "nobody has said how the table sponsors is imported"},
		"a column of which PostgreSQL does not know": {func(t tester, from, _ *world) {
			from.exec(t, `ALTER TABLE players ADD COLUMN nickname TEXT NOT NULL DEFAULT ''`)
		}, "copy players: its columns are"},
		"counters that are wrong": {func(t tester, from, _ *world) {
			from.exec(t, `UPDATE videos SET votes = votes + 1 WHERE title = 'Triple'`)
		}, "the counters of 1 videos are not the numbers of their votes"},
		"places that are wrong": {func(t tester, from, _ *world) {
			from.exec(t, `UPDATE standings SET votes = votes + 1`)
		}, "the counters of 3 players are not the numbers of their votes"},
		"text that PostgreSQL does not take": {func(t tester, from, _ *world) {
			from.exec(t, `UPDATE videos SET title = 'a' || char(0) WHERE title = 'Triple'`)
		}, "copy videos: "},
		"older tables": {func(t tester, from, _ *world) {
			from.exec(t, `DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`)
		}, "run risingstars migrate on them first"},
		"newer tables": {func(t tester, from, _ *world) {
			from.exec(t, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
		}, "a newer program made the tables"},
		"a target with jobs": {func(t tester, _, to *world) {
			to.exec(t, `INSERT INTO river_job (kind, max_attempts, args) VALUES ('process_video', 5, '{"video_id": 1}')`)
		}, "the target has a contest already (there are rows in river_job)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := source(t)
			move, to := target(t, from)
			test.before(t, from, to)

			_, err := move.Run(t.Context())

			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want it to say %q", err, test.says)
			}
			to.empty(t)
		})
	}
}

// empty checks that the database has no row of a contest.
func (w *world) empty(t *testing.T) {
	t.Helper()
	if w.number(t, `SELECT count(*) FROM pg_tables WHERE tablename = 'players'`) == 0 {
		return
	}
	n := w.number(t, `SELECT (SELECT count(*) FROM contest) + (SELECT count(*) FROM players) + (SELECT count(*) FROM videos)
		+ (SELECT count(*) FROM votes) + (SELECT count(*) FROM standings)`)
	if n != 0 {
		t.Errorf("%d rows were written", n)
	}
}

func TestImportIntoAContest(t *testing.T) {
	t.Parallel()
	from := source(t)
	move, to := target(t, from)
	check(t, second(move.Run(t.Context())))
	before := to.content(t)

	_, err := move.Run(t.Context())

	if err == nil || !strings.Contains(err.Error(), "the target has a contest already (there are rows in players)") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, to.content(t)); diff != "" {
		t.Errorf("the target has changed:\n%s", diff)
	}
}

// Of two concurrent imports into one database, one succeeds, and the other says why it does not.
func TestTwoImportsAtOnce(t *testing.T) {
	t.Parallel()
	from := source(t)
	move, to := target(t, from)

	errs := atOnce(2, func(int) error { return second(move.Run(context.Background())) })

	if (errs[0] == nil) == (errs[1] == nil) || !strings.Contains(errors.Join(errs...).Error(), "has a contest already") {
		t.Errorf("got %v", errs)
	}
	if n := to.number(t, `SELECT count(*) FROM players`); n != 7 {
		t.Errorf("%d players are there", n)
	}
	to.agree(t)
}

func TestImportThatIsBrokenOffLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"contest", "players", "videos", "votes", "standings", "sessions", "uploads", "standings_before"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			from := source(t)
			move, to := target(t, from)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			move.Progress = func(name string, _, _ int64) {
				if name == table {
					cancel()
				}
			}

			_, err := move.Run(ctx)

			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			to.empty(t)
			move.Progress = nil
			check(t, second(move.Run(t.Context())))
		})
	}
}

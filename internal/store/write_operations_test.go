package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"risingstars/internal/contest"
)

// writeOperation is a writing method of the store, with a call whose random arguments fit the rows of stockedContest. A
// method may be listed several times, with arguments that make it take different locks.
type writeOperation struct {
	method string
	call   func(context.Context, caller) error
}

// writeOperations lists all writing methods. Add new ones here; TestEveryWriteIsAnOperation fails if one is missing.
var writeOperations = []writeOperation{
	{"AddPlayer", func(ctx context.Context, c caller) error {
		email := fmt.Sprintf("new%d@example.org", c.IntN(4)) // some are taken already
		return second(c.store.AddPlayer(ctx, contest.Player{FirstName: "Nueva", Email: email, City: c.city(), CreatedAt: start}, "hash"))
	}},
	{"UpdateProfile", func(ctx context.Context, c caller) error {
		return c.store.UpdateProfile(ctx, contest.Player{ID: c.player(), FirstName: "Otra", LastName: "Ríos", City: c.city()})
	}},
	{"ChangePassword", func(ctx context.Context, c caller) error {
		return second(c.store.ChangePassword(ctx, contest.Player{ID: c.player(), SessionVersion: c.Int64N(2)}, "hash", start))
	}},
	{"ResetPassword", func(ctx context.Context, c caller) error {
		return c.store.ResetPassword(ctx, contest.Player{ID: c.player(), SessionVersion: c.Int64N(2)}, "hash", start)
	}},
	{"DeletePlayer", func(ctx context.Context, c caller) error {
		return second(c.store.DeletePlayer(ctx, c.player(), start))
	}},
	{"AddSession", func(ctx context.Context, c caller) error {
		return c.store.AddSession(ctx, contest.NewMediaToken(), c.player(), 0, at(100), at(200)) // deletes expired sessions
	}},
	{"ExtendSession", func(ctx context.Context, c caller) error {
		return c.store.ExtendSession(ctx, c.session(), at(50+c.IntN(100)))
	}},
	{"DeleteSession", func(ctx context.Context, c caller) error {
		return c.store.DeleteSession(ctx, c.session())
	}},
	{"AddUpload", func(ctx context.Context, c caller) error {
		return c.store.AddUpload(ctx, contest.PartialUpload{ID: contest.NewMediaToken(), PlayerID: c.player(), Size: 1, ExpiresAt: at(200)})
	}},
	{"DeleteUpload", func(ctx context.Context, c caller) error {
		return c.store.DeleteUpload(ctx, c.upload(c.player()))
	}},
	{"AddVideo", func(ctx context.Context, c caller) error {
		return second(c.store.AddVideo(ctx, video(contest.Player{ID: c.player()}, "Otra", at(100))))
	}},
	{"AddVideoFromPartialUpload", func(ctx context.Context, c caller) error {
		p := contest.Player{ID: c.player()}
		return second(c.store.AddVideoFromPartialUpload(ctx, video(p, "Otra", at(100)), c.upload(p.ID)))
	}},
	{"BeginProcessing", func(ctx context.Context, c caller) error {
		return second(c.store.BeginProcessing(ctx, c.run(stockedUploaded)))
	}},
	{"Beat", func(ctx context.Context, c caller) error {
		return c.store.Beat(ctx, c.run(stockedProcessing), c.IntN(100))
	}},
	{"FinishProcessing", func(ctx context.Context, c caller) error {
		run := c.run(stockedProcessing)
		return second(c.store.FinishProcessing(ctx, run, contest.NewMediaToken(), at(100), c.completing(ctx, run)))
	}},
	{"FailProcessing", func(ctx context.Context, c caller) error {
		run := c.run(stockedProcessing)
		return second(c.store.FailProcessing(ctx, run, contest.FailedUnplayable, c.completing(ctx, run)))
	}},
	{"Restart", func(ctx context.Context, c caller) error {
		run := c.run(stockedUploaded)
		return c.store.Restart(ctx, run.VideoID, run.TaskID)
	}},
	{"TakeOver", func(ctx context.Context, c caller) error {
		return c.store.TakeOver(ctx, contest.RunningJob{JobRun: c.run(stockedProcessing), Attempt: 1})
	}},
	{"Promote", func(ctx context.Context, c caller) error {
		return second(c.store.Promote(ctx, time.Now().Add(time.Hour)))
	}},
	{"PublishVideo", func(ctx context.Context, c caller) error {
		return second(c.store.PublishVideo(ctx, c.video(stockedProcessed), at(100)))
	}},
	{"RequeueVideo", func(ctx context.Context, c caller) error {
		return second(c.store.RequeueVideo(ctx, c.video(stockedFailed)))
	}},
	{"RequeueVideoForOrganizer", func(ctx context.Context, c caller) error {
		return second(c.store.RequeueVideoForOrganizer(ctx, c.video(stockedFailed), at(100)))
	}},
	{"DeleteVideo", func(ctx context.Context, c caller) error {
		return c.store.DeleteVideo(ctx, c.video(stockedProcessed+c.Int64N(4)))
	}},
	{"AddVote", func(ctx context.Context, c caller) error {
		return second(c.store.AddVote(ctx, c.video(stockedPublic+c.Int64N(2)), c.player(), at(100)))
	}},
	{"CastVote", func(ctx context.Context, c caller) error {
		signal := contest.VoteSignal{Origin: "farm", VoterAge: time.Minute}
		return second(c.store.CastVote(ctx, c.video(stockedPublic+c.Int64N(2)), c.player(), at(100), signal))
	}},
	{"WithdrawVote", func(ctx context.Context, c caller) error {
		return second(c.store.WithdrawVote(ctx, c.video(stockedPublic), c.player()))
	}},
	{"HideVideo", func(ctx context.Context, c caller) error {
		return second(c.store.HideVideo(ctx, c.video(stockedPublic+c.Int64N(2)), decision))
	}},
	{"UnhideVideo", func(ctx context.Context, c caller) error {
		return second(c.store.UnhideVideo(ctx, c.video(stockedHidden), decision))
	}},
	{"SuspendAccount", func(ctx context.Context, c caller) error {
		return second(c.store.SuspendAccount(ctx, c.player(), decision))
	}},
	{"ReinstateAccount", func(ctx context.Context, c caller) error {
		return second(c.store.ReinstateAccount(ctx, stockedShut+c.Int64N(stockedPlayers-stockedShut+1), decision))
	}},
	{"VoidVotes", func(ctx context.Context, c caller) error {
		return second(c.store.VoidVotes(ctx, contest.VoteSelection{PlayerID: c.player(), Origin: "farm"}, decision))
	}},
	{"VoidVotes", func(ctx context.Context, c caller) error { // of one voter
		return second(c.store.VoidVotes(ctx, contest.VoteSelection{PlayerID: c.player(), VoterID: c.player()}, decision))
	}},
	{"ReinstateVotes", func(ctx context.Context, c caller) error {
		return second(c.store.ReinstateVotes(ctx, contest.VoteSelection{PlayerID: c.player(), Origin: "farm"}, decision))
	}},
	{"ReinstateVotes", func(ctx context.Context, c caller) error { // of one voter
		return second(c.store.ReinstateVotes(ctx, contest.VoteSelection{PlayerID: c.player(), VoterID: c.player()}, decision))
	}},
	{"RecordAuditEntry", func(ctx context.Context, c caller) error {
		return c.store.RecordAuditEntry(ctx, contest.AuditEntry{At: start, Actor: contest.ByOrganizer, Action: contest.ChangedQueue})
	}},
	{"RememberRanking", func(ctx context.Context, c caller) error {
		return c.store.RememberRanking(ctx, at(100), at(100))
	}},
	{"Identity", func(ctx context.Context, c caller) error { return second(c.store.Identity(ctx)) }},
	{"Ping", func(ctx context.Context, c caller) error { return c.store.Ping(ctx) }},
	{"(the job queue's own)", workJobs},
}

// notOnPostgres lists the writing methods that the program calls only on an embedded database, and when.
var notOnPostgres = map[string]string{
	"RecoverInterrupted": "when the only program starts",
	"ForgetUploads":      "in a copy that a backup has made",
}

// The videos of each player in stockedContest: video number k of player p has the id 10 * p + k.
const (
	stockedPublic     = 1 // and 2
	stockedProcessed  = 3
	stockedFailed     = 4
	stockedUploaded   = 5
	stockedProcessing = 6
	stockedHidden     = 7

	stockedPlayers = 8
	stockedShut    = 7 // the first suspended account
)

// stockedPairs selects all pairs of a player (star) and a voter. kind says whether the vote counts (0 to 2), is void
// (3), or was not cast (4).
const stockedPairs = `(SELECT star, voter, (star * 3 + voter) % 5 AS kind
	FROM generate_series(1, 8) AS star, generate_series(1, 8) AS voter WHERE star <> voter) AS pairs`

// stockedContest has the statements that fill an empty contest for writeOperations: players with videos in all statuses
// and their jobs, who have voted for each other. Some of the votes do not count.
var stockedContest = []string{
	`INSERT INTO players (id, first_name, last_name, email, email_key, password_hash, city, city_key, country, created_at, shut_at)
		SELECT p, 'Nombre', 'Ríos', p, p, '', city, city, 'Colombia', '2026-01-15Z', CASE WHEN p >= 7 THEN CAST('2026-01-15Z' AS TIMESTAMPTZ) END
		FROM generate_series(1, 8) AS p, LATERAL (SELECT ('{cali,bogota,tunja}' :: TEXT[])[p % 3 + 1] AS city) AS c`,
	`INSERT INTO videos (id, player_id, task_id, title, status, failure, hidden, votes, token, format, size, run, holder, city_key, search_key,
			uploaded_at, processed_at, published_at)
		SELECT 10 * p.id + k, p.id, 10 * p.id + k, 'Triple', CASE WHEN shut AND status = 'public' THEN 'processed' ELSE status END,
			CASE WHEN status = 'failed' THEN 'unplayable' ELSE '' END,
			CASE WHEN k = 7 THEN 'video' WHEN shut AND status = 'public' THEN 'account' ELSE '' END,
			0, 10 * p.id + k, 'mp4', 1, '', CASE WHEN status = 'processing' THEN 'a run' ELSE '' END, p.city_key, '',
			'2026-01-15Z', CASE WHEN k IN (1, 2, 3, 7) THEN CAST('2026-01-15Z' AS TIMESTAMPTZ) END,
			CASE WHEN k IN (1, 2, 7) THEN CAST('2026-01-15Z' AS TIMESTAMPTZ) END
		FROM (SELECT *, shut_at IS NOT NULL AS shut FROM players) AS p,
			unnest('{public,public,processed,failed,uploaded,processing,processed}' :: TEXT[]) WITH ORDINALITY AS v (status, k)`,
	`INSERT INTO votes (voter_id, video_id, player_id, voted_at, before_at, origin, voter_age)
		SELECT voter, 10 * star + 1, star, '2026-01-15Z' :: TIMESTAMPTZ + voter * INTERVAL '1 second',
			COALESCE(lag('2026-01-15Z' :: TIMESTAMPTZ + voter * INTERVAL '1 second') OVER (PARTITION BY star ORDER BY voter), '2026-01-15Z'), 'farm', 1
		FROM ` + stockedPairs + ` WHERE star < 7 AND kind < 3`,
	`INSERT INTO votes_set_aside (voter_id, video_id, player_id, voted_at, origin, voter_age, why)
		SELECT voter, 10 * star + 1, star, '2026-01-15Z' :: TIMESTAMPTZ + voter * INTERVAL '1 second', 'farm', 1, 'hidden' FROM ` + stockedPairs + ` WHERE star >= 7 AND kind < 3
		UNION ALL
		SELECT voter, 10 * star + 2, star, '2026-01-15Z' :: TIMESTAMPTZ + voter * INTERVAL '1 second', 'farm', 1, 'void' FROM ` + stockedPairs + ` WHERE kind = 3
		UNION ALL
		SELECT voter, 10 * star + 7, star, '2026-01-15Z' :: TIMESTAMPTZ + voter * INTERVAL '1 second', 'farm', 1, 'hidden' FROM ` + stockedPairs + ` WHERE kind <> 1`,
	`UPDATE videos SET votes = (SELECT count(*) FROM votes WHERE video_id = videos.id) WHERE status = 'public'`,
	`INSERT INTO standings (player_id, city_key, votes, reached_at)
		SELECT id, city_key, (SELECT count(*) FROM votes WHERE player_id = id),
			COALESCE((SELECT max(voted_at) FROM votes WHERE player_id = id), '2026-01-15Z') FROM players WHERE shut_at IS NULL`,
	`INSERT INTO sessions (token_hash, player_id, expires_at)
		SELECT 10 * id + k, id, '2026-01-15T10:30:00Z' :: TIMESTAMPTZ + k * INTERVAL '40 seconds' FROM players, generate_series(1, 4) AS k`,
	`INSERT INTO uploads (id, player_id, title, media_type, size, expires_at) SELECT 10 * id + k, id, '', '', 1, '2027-01-15Z'
		FROM players, generate_series(1, 2) AS k`,
	`INSERT INTO standings_before SELECT id, id, 1, '2026-01-14Z' FROM players`,
	`INSERT INTO river_job (id, state, attempt, max_attempts, kind, queue, args, priority)
		SELECT id, CASE status WHEN 'uploaded' THEN 'available' ELSE 'running' END :: river_job_state, CASE status WHEN 'uploaded' THEN 0 ELSE 1 END, 5,
			'process_video', 'default', '{}', 2
		FROM videos WHERE status IN ('uploaded', 'processing')`,
	`ALTER SEQUENCE players_id_seq RESTART WITH 1000`,
	`ALTER SEQUENCE videos_id_seq RESTART WITH 1000`,
	`ALTER SEQUENCE river_job_id_seq RESTART WITH 1000`,
}

// caller calls operations with random arguments.
type caller struct {
	*rand.Rand
	store *world
}

func (c caller) city() string           { return []string{"Bogotá", "Cali", "Tunja"}[c.IntN(3)] }
func (c caller) player() int64          { return 1 + c.Int64N(stockedPlayers) }
func (c caller) video(kind int64) int64 { return 10*c.player() + kind }
func (c caller) session() string        { return fmt.Sprint(10*c.player() + 1 + c.Int64N(4)) }
func (c caller) upload(playerID int64) string {
	return fmt.Sprint(10*playerID + 1 + c.Int64N(2))
}

func (c caller) run(kind int64) contest.JobRun {
	id := c.video(kind)
	return contest.JobRun{VideoID: id, TaskID: fmt.Sprint(id), HolderID: holder}
}

// completing returns a function that completes the run's job in the transaction of its video, as the workers do.
func (c caller) completing(ctx context.Context, run contest.JobRun) func(*sql.Tx) error {
	return func(tx *sql.Tx) error {
		id, err := strconv.ParseInt(run.TaskID, 10, 64)
		if err != nil {
			return err
		}
		return complete(ctx, driverOf(c.store.db).UnwrapExecutor(tx), id)
	}
}

// workJobs fetches jobs from the queue and completes them, in the queue's own transactions.
func workJobs(ctx context.Context, c caller) error {
	queue := driverOf(c.store.db).GetExecutor()
	taken, err := queue.JobGetAvailable(ctx, &riverdriver.JobGetAvailableParams{ClientID: "a worker", MaxAttemptedBy: 5, MaxToLock: 3, Queue: "default"})
	if err != nil || len(taken.Jobs) == 0 {
		return err
	}
	var ids []int64
	for _, job := range taken.Jobs {
		ids = append(ids, job.ID)
	}
	return complete(ctx, queue, ids...)
}

// complete completes jobs as [river.JobCompleteTx] does, which can only be called within a worker.
func complete(ctx context.Context, queue riverdriver.Executor, ids ...int64) error {
	now, n := time.Now(), len(ids)
	return second(queue.JobSetStateIfRunningMany(ctx, &riverdriver.JobSetStateIfRunningManyParams{
		ID: ids, State: slices.Repeat([]rivertype.JobState{rivertype.JobStateCompleted}, n), FinalizedAt: slices.Repeat([]*time.Time{&now}, n),
		Attempt: make([]*int, n), ErrData: make([][]byte, n), MetadataDoMerge: make([]bool, n), MetadataUpdates: make([][]byte, n),
		ScheduledAt: make([]*time.Time, n),
	}))
}

// Every writing method of the store is among writeOperations.
func TestEveryWriteIsAnOperation(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, o := range writeOperations {
		if !strings.HasPrefix(o.method, "(") {
			listed[o.method] = true
		}
	}
	for method := range notOnPostgres {
		listed[method] = true
	}
	if diff := cmp.Diff(writingMethods(t), listed); diff != "" {
		t.Errorf("methods of the store that write (-there +among writeOperations):\n%s", diff)
	}
}

// writingMethods returns the store's exported methods that use one of the fields for writing, directly or through
// another method.
func writingMethods(t *testing.T) map[string]bool {
	t.Helper()
	mentions := map[string][]string{} // fields and methods of the store that each method mentions
	files, err := filepath.Glob("*.go")
	check(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		check(t, err)
		for _, declaration := range parsed.Decls {
			if method, ok := declaration.(*ast.FuncDecl); ok && method.Recv != nil {
				mentions[method.Name.Name] = append(mentions[method.Name.Name], mentionedOfStore(method)...)
			}
		}
	}
	var writes func(name string) bool
	writes = func(name string) bool {
		return name == "writes" || name == "crowds" || slices.ContainsFunc(mentions[name], writes)
	}
	found := map[string]bool{}
	for name := range mentions {
		if ast.IsExported(name) && writes(name) {
			found[name] = true
		}
	}
	return found
}

// mentionedOfStore returns the fields and methods of the store that the method mentions, or nil for methods of other
// types.
func mentionedOfStore(method *ast.FuncDecl) (names []string) {
	receiver := method.Recv.List[0]
	pointer, ok := receiver.Type.(*ast.StarExpr)
	if !ok || len(receiver.Names) == 0 {
		return nil
	}
	if of, ok := pointer.X.(*ast.Ident); !ok || of.Name != "Store" {
		return nil
	}
	ast.Inspect(method.Body, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if of, ok := selector.X.(*ast.Ident); ok && of.Name == receiver.Names[0].Name {
				names = append(names, selector.Sel.Name)
			}
		}
		return true
	})
	return names
}

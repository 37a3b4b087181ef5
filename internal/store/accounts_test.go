package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
	"risingstars/internal/store"
)

// onEngines runs a test on each engine, each time with a database of its own.
func onEngines(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			test(t, e.world(t))
		})
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		ctx, ana, beto := t.Context(), w.player(t, "ana", ""), w.player(t, "beto", "")
		for hash, p := range map[string]contest.Player{"a": ana, "b": ana, "c": beto} {
			check(t, w.AddSession(ctx, hash, p.ID, 0, at(0), at(100)))
		}

		changed, err := w.ChangePassword(ctx, ana, "another hash", at(50))
		check(t, err)

		kept, hash, err := w.CredentialsByEmail(ctx, ana.Email)
		check(t, err)
		if changed.SessionVersion != 1 || hash != "another hash" {
			t.Errorf("got generation %d, hash %q", changed.SessionVersion, hash)
		}
		if diff := cmp.Diff(changed, kept); diff != "" {
			t.Errorf("player (-returned +kept):\n%s", diff)
		}
		if n := w.number(t, `SELECT count(*) FROM sessions WHERE player_id = $1`, ana.ID); n != 0 {
			t.Errorf("%d sessions go on", n)
		}
		if n := w.number(t, `SELECT count(*) FROM sessions WHERE player_id = $1`, beto.ID); n != 1 {
			t.Errorf("another player has %d sessions, want 1", n)
		}
		// A request with the old session version changes nothing.
		if _, err := w.ChangePassword(ctx, ana, "a third", at(60)); !errors.Is(err, contest.ErrWrongPassword) {
			t.Errorf("again from before: got %v, want %v", err, contest.ErrWrongPassword)
		}
		if _, err := w.ChangePassword(ctx, contest.Player{ID: 99}, "x", at(60)); !errors.Is(err, contest.ErrWrongPassword) {
			t.Errorf("nobody's: got %v", err)
		}
		acts, err := w.AuditEntries(ctx, contest.AuditQuery{Limit: 9, Action: contest.ChangedPassword})
		check(t, err)
		want := []contest.AuditEntry{{ID: 3, At: at(50), Actor: "player", Action: "password_changed", PlayerID: ana.ID}}
		if diff := cmp.Diff(want, acts); diff != "" {
			t.Errorf("audit (-want +got):\n%s", diff)
		}
	})
}

// After an account is deleted, the contest shows the same as if the player had never existed.
func TestDeletePlayer(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		ctx := t.Context()
		ana, beto, caro, fan := w.player(t, "ana", "Cali"), w.player(t, "beto", "Cali"), w.player(t, "caro", "Tunja"), w.player(t, "fan", "")
		a1, a2 := w.public(t, ana, "Uno", at(1)), w.public(t, ana, "Dos", at(2))
		b, c := w.public(t, beto, "Tres", at(3)), w.public(t, caro, "Cuatro", at(4))
		w.upload(t, ana, "En cola", at(5))
		vote := func(v contest.Video, p contest.Player, second int) {
			_, err := w.AddVote(ctx, v.ID, p.ID, at(second))
			check(t, err)
		}
		vote(b, fan, 1000)
		vote(c, beto, 1001)
		shown := func() string {
			ranking, err := w.RankingPage(ctx, contest.RankingQuery{Page: contest.Page{Number: 1, Limit: 50}})
			check(t, err)
			public, err := w.PublicVideos(ctx, contest.PublicQuery{Page: contest.Page{Number: 1, Limit: 50}})
			check(t, err)
			return fmt.Sprintf("%+v\n%+v\n%v", ranking, public, selected(t, w.db.Readers, `SELECT player_id, votes, reached_at FROM standings WHERE player_id <> $1 ORDER BY 1`, ana.ID))
		}
		withoutAna := func() string {
			w.exec(t, `UPDATE videos SET status = 'processed' WHERE player_id = $1`, ana.ID)
			w.exec(t, `DELETE FROM standings WHERE player_id = $1`, ana.ID)
			return shown()
		}
		vote(a1, fan, 1002)
		vote(a1, beto, 1003)
		vote(a2, caro, 1004)
		vote(b, ana, 1005)
		vote(c, ana, 1006)
		check(t, second(w.WithdrawVote(ctx, b.ID, ana.ID)))
		vote(b, ana, 1007)
		check(t, w.AddSession(ctx, "hash", ana.ID, 0, at(0), at(5000)))
		check(t, w.AddUpload(ctx, contest.PartialUpload{ID: "x", PlayerID: ana.ID, Title: "x", Size: 1, ExpiresAt: at(9000)}))
		check(t, w.RememberRanking(ctx, at(2000), at(1)))

		gone, err := w.DeletePlayer(ctx, ana.ID, at(3000))
		check(t, err)

		if len(gone) != 3 || gone[0].Media.Token == "" || strings.Contains(gone[0].Media.Token, "gone") {
			t.Errorf("got videos %+v", gone)
		}
		for _, count := range []string{
			`players WHERE id = $1`, `videos WHERE player_id = $1`, `votes WHERE player_id = $1 OR voter_id = $1`, `standings WHERE player_id = $1`,
			`standings_before WHERE player_id = $1`, `sessions WHERE player_id = $1`, `uploads WHERE player_id = $1`,
		} {
			if n := w.number(t, `SELECT count(*) FROM `+count, ana.ID); n != 0 {
				t.Errorf("%d rows are left of %s", n, count)
			}
		}
		got := shown()
		if diff := cmp.Diff(withoutAna(), got); diff != "" {
			t.Errorf("what is shown (-if the player had never voted +after):\n%s", diff)
		}
		if !strings.Contains(got, "Votes:1") || strings.Contains(got, "Votes:2") {
			t.Errorf("the others have not one vote each: %s", got)
		}
		w.agree(t)
		if _, err := w.DeletePlayer(ctx, ana.ID, at(3001)); !errors.Is(err, contest.ErrNotSignedIn) {
			t.Errorf("again: got %v", err)
		}
		// The audit log keeps the player's id.
		acts, err := w.AuditEntries(ctx, contest.AuditQuery{PlayerID: ana.ID, Limit: 9})
		check(t, err)
		var log []string
		for _, a := range acts {
			log = append(log, fmt.Sprintf("%s %d", a.Action, a.VideoID))
		}
		if diff := cmp.Diff([]string{"account_deleted 0", fmt.Sprintf("video_published %d", a2.ID), fmt.Sprintf("video_published %d", a1.ID), "signed_up 0"}, log); diff != "" {
			t.Errorf("audit (-want +got):\n%s", diff)
		}
	})
}

// Whatever runs while an account is deleted: counts stay right, no row is left, and calls fail only by refusals.
func TestDeletePlayerRaces(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		ctx := context.WithoutCancel(t.Context())
		ana, beto := w.player(t, "ana", ""), w.player(t, "beto", "")
		mine, theirs := w.public(t, ana, "Uno", at(1)), w.public(t, beto, "Dos", at(2))
		var fans []contest.Player
		for i := range 20 {
			fans = append(fans, w.player(t, fmt.Sprint("fan", i), ""))
		}
		errs := atOnce(64, func(i int) error {
			switch i % 8 {
			case 0, 1:
				return second(w.AddVote(ctx, mine.ID, fans[i/8].ID, at(1000+i)))
			case 2, 3:
				return second(w.AddVote(ctx, theirs.ID, fans[8+i/8].ID, at(1000+i)))
			case 4:
				return second(w.AddVote(ctx, theirs.ID, ana.ID, at(1000+i)))
			case 5:
				return second(w.AddVideo(ctx, video(ana, "Más", at(i))))
			case 6:
				return w.AddSession(ctx, fmt.Sprint(i), ana.ID, 0, at(0), at(9000))
			}
			if i != 31 {
				return second(w.WithdrawVote(ctx, theirs.ID, ana.ID))
			}
			return second(w.DeletePlayer(ctx, ana.ID, at(3000)))
		})
		for _, err := range errs {
			var refusal *contest.Refusal
			if err != nil && !errors.As(err, &refusal) {
				t.Errorf("got %v", err)
			}
		}
		w.agree(t)
		if n := w.number(t, `SELECT (SELECT count(*) FROM players WHERE id = $1) + (SELECT count(*) FROM videos WHERE player_id = $1)
			+ (SELECT count(*) FROM votes WHERE voter_id = $1 OR player_id = $1) + (SELECT count(*) FROM sessions WHERE player_id = $1)`, ana.ID); n != 0 {
			t.Errorf("%d rows are left", n)
		}
		if _, err := w.AddVote(ctx, mine.ID, fans[19].ID, at(4000)); !errors.Is(err, contest.ErrNoVideo) {
			t.Errorf("a vote afterwards: got %v, want %v", err, contest.ErrNoVideo)
		}
		if _, err := w.AddVote(ctx, theirs.ID, ana.ID, at(4000)); !errors.Is(err, contest.ErrNotSignedIn) {
			t.Errorf("a vote of who has left: got %v, want %v", err, contest.ErrNotSignedIn)
		}
	})
}

func TestVotesBy(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		ana, fan := w.player(t, "ana", ""), w.player(t, "fan", "")
		first, second2 := w.public(t, ana, "Uno", at(1)), w.public(t, ana, "Dos", at(2))
		check(t, second(w.AddVote(t.Context(), second2.ID, fan.ID, at(900))))
		from := contest.VoteSignal{Origin: "hash", VoterAge: time.Hour}
		check(t, second(w.CastVote(t.Context(), first.ID, fan.ID, at(901), from)))

		got, err := w.VotesCastBy(t.Context(), fan.ID)

		want := []contest.CastVote{
			{VideoID: first.ID, Title: "Uno", VotedAt: at(901), Counts: true, VoteSignal: from},
			{VideoID: second2.ID, Title: "Dos", VotedAt: at(900), Counts: true, VoteSignal: contest.UnknownVoteSignal},
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("votes, %v (-want +got):\n%s", err, diff)
		}
	})
}

func TestSessionsAndUploadsOfAPlayer(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		ctx, ana, beto := t.Context(), w.player(t, "ana", ""), w.player(t, "beto", "")
		for i, p := range []contest.Player{ana, beto, ana} {
			check(t, w.AddSession(ctx, fmt.Sprint("hash ", i), p.ID, int64(i), at(0), at(100+i)))
			check(t, w.AddUpload(ctx, contest.PartialUpload{ID: fmt.Sprint(i), PlayerID: p.ID, Title: "Uno", Size: 1, ExpiresAt: at(5000 + i)}))
		}

		now := at(50)
		later := store.New(w.db, store.Options{Clock: func() time.Time { return now }})
		sessions, lost := later.SessionsOfPlayer(ctx, ana.ID)
		now = at(100)
		left, alsoLost := later.SessionsOfPlayer(ctx, ana.ID)
		uploads, err := w.PartialUploadsOfPlayer(ctx, ana.ID)

		want := []contest.Session{{SessionVersion: 2, ExpiresAt: at(102)}, {SessionVersion: 0, ExpiresAt: at(100)}}
		if diff := cmp.Diff(want, sessions); diff != "" || lost != nil {
			t.Errorf("sessions, %v (-want +got):\n%s", lost, diff)
		}
		if diff := cmp.Diff(want[:1], left); diff != "" || alsoLost != nil {
			t.Errorf("sessions when one has expired, %v (-want +got):\n%s", alsoLost, diff)
		}
		if len(uploads) != 2 || uploads[0].ID != "2" || uploads[1].ID != "0" || err != nil {
			t.Errorf("uploads: got %+v, %v", uploads, err)
		}
	})
}

func TestAuditLog(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		ctx, p := t.Context(), w.player(t, "ana", "")
		v := w.public(t, p, "Uno", at(1))
		check(t, second(w.PublishVideo(ctx, v.ID, at(9)))) // already public: nothing to do
		failed := w.bring(t, w.upload(t, p, "Dos", at(2)), contest.Failed)
		check(t, second(w.RequeueVideoForOrganizer(ctx, failed.ID, at(10))))
		if _, err := w.RequeueVideoForOrganizer(ctx, v.ID, at(11)); !errors.Is(err, contest.ErrNotFailed) {
			t.Errorf("got %v", err)
		}
		check(t, w.RecordAuditEntry(ctx, contest.AuditEntry{At: at(12), Actor: contest.ByOrganizer, Action: contest.ChangedQueue, Detail: "POST /x"}))
		check(t, w.RecordAuditEntry(ctx, contest.AuditEntry{At: at(13), Actor: contest.ByPlayer, Action: contest.SignedIn, PlayerID: p.ID}))
		check(t, w.DeleteVideo(ctx, failed.ID))

		list := func(q contest.AuditQuery) (got []string) {
			acts, err := w.AuditEntries(ctx, q)
			check(t, err)
			for _, a := range acts {
				got = append(got, fmt.Sprintf("%d %s %s %d %d %s", a.ID, a.Actor, a.Action, a.PlayerID, a.VideoID, a.Detail))
			}
			return got
		}
		all := []string{
			"6 player video_deleted 1 2 ", "5 player signed_in 1 0 ", "4 organizer queue_changed 0 0 POST /x", "3 organizer video_retried 1 2 ",
			"2 player video_published 1 1 ", "1 player signed_up 1 0 ",
		}
		for _, test := range []struct {
			q    contest.AuditQuery
			want []string
		}{
			{contest.AuditQuery{Limit: 100}, all},
			{contest.AuditQuery{Limit: 2}, all[:2]},
			{contest.AuditQuery{Limit: 2, Before: 5}, all[2:4]},
			{contest.AuditQuery{Limit: 9, PlayerID: p.ID, Before: 5}, all[3:]},
			{contest.AuditQuery{Limit: 9, Action: contest.SignedIn}, all[1:2]},
			{contest.AuditQuery{Limit: 9, PlayerID: 99}, nil},
		} {
			if diff := cmp.Diff(test.want, list(test.q)); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", test.q, diff)
			}
		}
		forbidden := []string{
			`UPDATE audit_log SET action = 'nothing'`, `UPDATE audit_log SET at = at WHERE id = 1`, `DELETE FROM audit_log`, `DELETE FROM audit_log WHERE id = 1`,
		}
		if w.db.Engine == store.Postgres {
			forbidden = append(forbidden, `TRUNCATE audit_log`)
		}
		for _, statement := range forbidden {
			if _, err := w.db.Writer.ExecContext(ctx, statement); err == nil || !strings.Contains(err.Error(), "only added to") {
				t.Errorf("%s: got %v", statement, err)
			}
		}
		if diff := cmp.Diff(all, list(contest.AuditQuery{Limit: 100})); diff != "" {
			t.Errorf("afterwards (-want +got):\n%s", diff)
		}
	})
}

func TestClusters(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		ctx := t.Context()
		ana, beto := w.player(t, "ana", ""), w.player(t, "beto", "")
		ofAna, ofBeto := w.public(t, ana, "Uno", at(1)), w.public(t, beto, "Dos", at(2))
		n := 0
		votes := func(v contest.Video, count int, origin string, age time.Duration) {
			for range count {
				n++
				p := w.player(t, fmt.Sprint("fan", n), "")
				check(t, second(w.CastVote(ctx, v.ID, p.ID, at(1000+n), contest.VoteSignal{Origin: origin, VoterAge: age})))
			}
		}
		votes(ofAna, 5, "farm", time.Minute)
		votes(ofAna, 2, "farm", 48*time.Hour)
		votes(ofAna, 9, "school", 48*time.Hour)
		votes(ofAna, 4, "", time.Minute)
		votes(ofAna, 4, "unknown age", -time.Second)
		votes(ofBeto, 3, "farm", 59*time.Second)
		votes(ofBeto, 9, "few", time.Hour)

		got, err := w.FindVoteClusters(ctx, contest.VoteClusterQuery{Since: at(0), YoungBelow: time.Hour, MinYoungVotes: 3, Limit: 10})
		check(t, err)
		want := []contest.VoteCluster{
			{PlayerID: ana.ID, Name: "ana Ríos", Origin: "farm", Votes: 7, YoungVotes: 5, PlayerVotes: 24, First: at(1001), Last: at(1007)},
			{PlayerID: beto.ID, Name: "beto Ríos", Origin: "farm", Votes: 3, YoungVotes: 3, PlayerVotes: 12, First: at(1025), Last: at(1027)},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("clusters (-want +got):\n%s", diff)
		}
		for q, wanted := range map[contest.VoteClusterQuery]int{
			{Since: at(1004), YoungBelow: time.Hour, MinYoungVotes: 3, Limit: 10}:    1, // two of the five are before Since
			{Since: at(0), YoungBelow: time.Hour, MinYoungVotes: 3, Limit: 1}:        1,
			{Since: at(0), YoungBelow: 2 * time.Hour, MinYoungVotes: 3, Limit: 10}:   3,
			{Since: at(0), YoungBelow: 100 * time.Hour, MinYoungVotes: 1, Limit: 10}: 4,
		} {
			if got, err := w.FindVoteClusters(ctx, q); err != nil || len(got) != wanted {
				t.Errorf("%+v: got %d, %v, want %d", q, len(got), err, wanted)
			}
		}
	})
}

// The quota is checked within the transaction that adds a video, so concurrent uploads cannot exceed it.
func TestUnpublishedIsBounded(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		ctx, ana, beto := t.Context(), w.player(t, "ana", ""), w.player(t, "beto", "")
		bounded := store.New(w.db, store.Options{Queue: w.queue, MaxUnpublished: 3 << 20}) // bytes of three videos
		errs := atOnce(12, func(i int) error { return second(bounded.AddVideo(ctx, video(ana, "Triple", at(i)))) })
		fit := 0
		for _, err := range errs {
			if err == nil {
				fit++
			} else if !errors.Is(err, contest.ErrQuotaExceeded) {
				t.Errorf("got %v", err)
			}
		}
		if fit != 3 {
			t.Errorf("%d videos fit, want 3", fit)
		}
		check(t, second(bounded.AddVideo(ctx, video(beto, "Triple", at(0)))))
		check(t, w.AddUpload(ctx, contest.PartialUpload{ID: "x", PlayerID: beto.ID, Title: "x", Size: 1 << 20, ExpiresAt: at(100)}))
		for _, test := range []struct {
			bytes int64
			now   int
			want  error
		}{{1 << 20, 0, nil}, {1<<20 + 1, 0, contest.ErrQuotaExceeded}, {2 << 20, 100, nil}, {2<<20 + 1, 100, contest.ErrQuotaExceeded}} {
			if err := bounded.CheckQuota(ctx, beto.ID, test.bytes, at(test.now)); !errors.Is(err, test.want) {
				t.Errorf("room for %d at %d: got %v, want %v", test.bytes, test.now, err, test.want)
			}
		}
		check(t, w.CheckQuota(ctx, ana.ID, 1<<50, at(0))) // no quota
	})
}

// DeletePlayer must delete from every table that refers to players.
func TestDeletePlayerKnowsAllTables(t *testing.T) {
	t.Parallel()
	w := engines()[0].world(t)
	var got []string
	for _, row := range selected(t, w.db.Readers, `
		SELECT m.name || '.' || c.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
		WHERE m.type = 'table' AND c.name IN ('player_id', 'voter_id') ORDER BY 1`) {
		got = append(got, fmt.Sprint(row[0]))
	}
	want := []string{
		"audit_log.player_id", // kept
		"sessions.player_id", "standings.player_id", "standings_before.player_id", "uploads.player_id", "videos.player_id",
		"votes.player_id", "votes.voter_id", "votes_set_aside.player_id", "votes_set_aside.voter_id", "votes_taken_back.player_id",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns that name players (-known to DeletePlayer +there):\n%s", diff)
	}
}

// The deletion of an account waits while the player's vote is withdrawn, and does not withdraw it a second time.
func TestDeletePlayerWhileAVoteIsTakenBack(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		ctx := t.Context()
		ana, beto, caro := w.player(t, "ana", ""), w.player(t, "beto", ""), w.player(t, "caro", "")
		v := w.public(t, ana, "Uno", at(1))
		for i, fan := range []contest.Player{beto, caro} {
			check(t, second(w.AddVote(ctx, v.ID, fan.ID, at(1000+i))))
		}
		tx, err := w.db.Writer.BeginTx(ctx, nil)
		check(t, err)
		for _, statement := range []string{
			`UPDATE standings SET votes = votes - 1 WHERE player_id = $1`,
			`UPDATE videos SET votes = votes - 1 WHERE player_id = $1`,
			`DELETE FROM votes WHERE player_id = $1 AND voted_at = (SELECT min(voted_at) FROM votes)`,
		} {
			check(t, second(tx.ExecContext(ctx, statement, ana.ID)))
		}
		ended := make(chan error)
		go func() { ended <- second(w.DeletePlayer(ctx, beto.ID, at(2000))) }()
		if w.db.Engine == store.Postgres {
			eventually(t, "the account's end waits", func() bool {
				return w.number(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
			})
		}
		check(t, tx.Commit())
		check(t, <-ended)

		w.agree(t)
		check(t, second(w.WithdrawVote(ctx, v.ID, caro.ID)))
	})
}

// Concurrent calls cannot exceed the limit of uploads under way.
func TestUploadsUnderWayAreBounded(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		ana := w.player(t, "ana", "")
		for _, test := range []struct {
			options store.Options
			fit     int
		}{{store.Options{UploadsAtOnce: 3}, 3}, {store.Options{MaxUnpublished: 5 << 20}, 5}} {
			test.options.Clock = func() time.Time { return at(0) }
			bounded := store.New(w.db, test.options)
			errs := atOnce(12, func(int) error {
				return bounded.AddUpload(context.Background(), contest.PartialUpload{
					ID: contest.NewMediaToken(), PlayerID: ana.ID, Title: "x", Size: 1 << 20, ExpiresAt: at(100),
				})
			})
			for _, err := range errs {
				if _, many := errors.AsType[*contest.TooManyError](err); err != nil && !many && !errors.Is(err, contest.ErrQuotaExceeded) {
					t.Errorf("got %v", err)
				}
			}
			if n := w.number(t, `SELECT count(*) FROM uploads`); n != int64(test.fit) {
				t.Errorf("%d uploads are under way, want %d", n, test.fit)
			}
		}
	})
}

// Votes that share a moment, from before each had its own, can all be withdrawn.
func TestVotesOfOneMoment(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		ctx := t.Context()
		v := w.public(t, w.player(t, "ana", ""), "Uno", at(1))
		var fans []contest.Player
		for i := range 4 {
			fans = append(fans, w.player(t, fmt.Sprint("fan", i), ""))
			check(t, second(w.AddVote(ctx, v.ID, fans[i].ID, at(1000+i))))
		}
		w.exec(t, `UPDATE votes SET voted_at = (SELECT min(voted_at) FROM votes)
			WHERE voted_at < (SELECT max(voted_at) FROM votes)`)
		for _, fan := range fans {
			check(t, second(w.WithdrawVote(ctx, v.ID, fan.ID)))
		}
		w.agree(t)
	})
}

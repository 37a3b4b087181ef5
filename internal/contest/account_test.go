package contest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
)

const clave = "una clave larga"

// member signs a player up whose password is clave.
func (w *world) member(t *testing.T, email string) contest.Player {
	t.Helper()
	p, err := w.players.SignUp(t.Context(), form(func(f *contest.SignUp) { f.Email = email }))
	check(t, err)
	return p
}

// actions are what the audit log has of a player, the latest first.
func (w *world) actions(t *testing.T, p contest.Player) (list []contest.Action) {
	t.Helper()
	acts, err := w.store.AuditEntries(t.Context(), contest.AuditQuery{PlayerID: p.ID, Limit: 100})
	check(t, err)
	for _, a := range acts {
		list = append(list, a.Action)
		if a.At.IsZero() || a.Actor != contest.ByPlayer {
			t.Errorf("got %+v", a)
		}
	}
	return list
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.member(t, "ana@example.org")
	tests := map[string]struct {
		form contest.PasswordChange
		want error
	}{
		"wrong":       {contest.PasswordChange{Password: "otra clave", Password1: "otra clave larga", Password2: "otra clave larga"}, contest.ErrWrongPassword},
		"that differ": {contest.PasswordChange{Password: clave, Password1: "otra clave larga", Password2: "otra clave corta"}, contest.ErrPasswordsDiffer},
	}
	for name, test := range tests {
		if _, err := w.accounts.ChangePassword(t.Context(), p, test.form); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
	var invalid *contest.InvalidError
	_, err := w.accounts.ChangePassword(t.Context(), p, contest.PasswordChange{Password1: "corta", Password2: "corta"})
	if !errors.As(err, &invalid) || len(invalid.Fields) != 2 {
		t.Errorf("without the old one, and too short: got %v", err)
	}

	changed, err := w.accounts.ChangePassword(t.Context(), p, contest.PasswordChange{Password: clave, Password1: "otra clave larga", Password2: "otra clave larga"})
	check(t, err)

	if _, err := w.players.PlayerWithSessionVersion(t.Context(), p.ID, p.SessionVersion); !errors.Is(err, contest.ErrNotSignedIn) {
		t.Errorf("who signed in before: got %v", err)
	}
	now, err := w.players.PlayerWithSessionVersion(t.Context(), p.ID, changed.SessionVersion)
	if diff := cmp.Diff(changed, now); diff != "" || err != nil {
		t.Errorf("who has changed it, %v (-want +got):\n%s", err, diff)
	}
	if _, err := w.players.SignIn(t.Context(), p.Email, clave); !errors.Is(err, contest.ErrBadCredentials) {
		t.Errorf("with the old one: got %v", err)
	}
	_, err = w.players.SignIn(t.Context(), p.Email, "otra clave larga")
	check(t, err)
	if diff := cmp.Diff([]contest.Action{contest.SignedIn, contest.ChangedPassword, contest.SignedUp}, w.actions(t, p)); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

func TestDeleteAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana, beto := w.member(t, "ana@example.org"), w.member(t, "beto@example.org")
	public, waiting := w.publish(t, ana, "Triple"), w.upload(t, ana, "Bandeja")
	kept := w.publish(t, beto, "Clavada")
	_, err := w.votes.CastVote(t.Context(), ana, kept.ID, "")
	check(t, err)
	w.remember(t)
	watch := w.live.Watch(t.Context(), waiting.ID)
	defer watch.Close()
	if err := w.accounts.DeleteAccount(t.Context(), ana, "otra clave"); !errors.Is(err, contest.ErrWrongPassword) {
		t.Errorf("got %v", err)
	}

	check(t, w.accounts.DeleteAccount(t.Context(), ana, clave))

	want := map[string]bool{kept.Media.OriginalKey(): true}
	for _, key := range w.objects(t) {
		if contest.TokenFromKey(key) != kept.Media.Token {
			t.Errorf("%s is still in storage", key)
		}
		delete(want, key)
	}
	if len(want) > 0 {
		t.Errorf("gone are %v", want)
	}
	if got := news(watch); !got.Deleted {
		t.Errorf("who watches is told %+v", got)
	}
	for _, topic := range []contest.Topic{contest.VotesChanged, contest.VideosChanged} {
		if !w.stale(t, topic) {
			t.Errorf("answers about %s are as before", topic)
		}
	}
	if _, err := w.videos.PublicVideo(t.Context(), public.ID); !errors.Is(err, contest.ErrNoVideo) {
		t.Errorf("the public video: got %v", err)
	}
	if v, err := w.videos.PublicVideo(t.Context(), kept.ID); err != nil || v.Votes != 0 {
		t.Errorf("another's video: got %d votes, %v", v.Votes, err)
	}
	if _, err := w.players.PlayerWithSessionVersion(t.Context(), ana.ID, 0); !errors.Is(err, contest.ErrNotSignedIn) {
		t.Errorf("the player: got %v", err)
	}
	if diff := cmp.Diff([]contest.Action{contest.DeletedAccount, contest.PublishedVideo, contest.SignedUp}, w.actions(t, ana)); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

// What a crash leaves in storage between the commit and the removal is swept.
func TestWhatADeletedAccountLeavesIsSwept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana := w.member(t, "ana@example.org")
	w.publish(t, ana, "Triple")
	_, err := w.store.DeletePlayer(t.Context(), ana.ID, start) // and the program dies
	check(t, err)

	removed, err := w.videos.SweepOrphanedObjects(t.Context(), time.Now().Add(time.Hour))

	if removed != 3 || err != nil || len(w.objects(t)) != 0 {
		t.Errorf("swept %d, %v; %v are left", removed, err, w.objects(t))
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana, beto := w.member(t, "ana@example.org"), w.member(t, "beto@example.org")
	w.publish(t, ana, "Triple")
	w.clock.advance(time.Minute)
	theirs := w.publish(t, beto, "Clavada")
	w.clock.advance(time.Minute)
	_, err := w.votes.CastVote(t.Context(), ana, theirs.ID, "an origin")
	check(t, err)

	got, err := w.accounts.ExportData(t.Context(), ana)
	check(t, err)

	if len(got.Videos) != 1 || got.Videos[0].Title != "Triple" || got.Player.Email != ana.Email {
		t.Errorf("got %+v", got)
	}
	want := []contest.CastVote{{
		VideoID: theirs.ID, Title: "Clavada", VotedAt: start.Add(2 * time.Minute), Counts: true,
		VoteSignal: contest.VoteSignal{Origin: "an origin", VoterAge: 2 * time.Minute},
	}}
	if diff := cmp.Diff(want, got.Votes); diff != "" {
		t.Errorf("votes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]contest.Action{contest.ExportedData, contest.PublishedVideo, contest.SignedUp}, w.actions(t, ana)); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

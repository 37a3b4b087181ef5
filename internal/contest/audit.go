package contest

import (
	"context"
	"time"
)

// Action is what was done, in a word that is never reused for another.
type Action string

// What the audit log has.
const (
	SignedUp          Action = "signed_up"
	SignedIn          Action = "signed_in"
	ThrottledSignIn   Action = "sign_in_slowed" // somebody has to wait after wrong passwords
	ChangedPassword   Action = "password_changed"
	ExportedData      Action = "data_exported"
	DeletedAccount    Action = "account_deleted"
	PublishedVideo    Action = "video_published"
	DeletedVideo      Action = "video_deleted"
	RetriedVideo      Action = "video_retried" // by an organizer
	ChangedQueue      Action = "queue_changed" // by an organizer, through the queue's pages
	HidVideo          Action = "video_hidden"  // by an organizer, as what follows
	UnhidVideo        Action = "video_shown"
	SuspendedAccount  Action = "account_shut"
	ReinstatedAccount Action = "account_opened"
	VoidedVotes       Action = "votes_voided"
	ReinstatedVotes   Action = "votes_restored"
)

// AllActions lists all that the audit log may have.
func AllActions() []Action {
	return []Action{
		SignedUp, SignedIn, ThrottledSignIn, ChangedPassword, ExportedData, DeletedAccount, PublishedVideo, DeletedVideo,
		RetriedVideo, ChangedQueue, HidVideo, UnhidVideo, SuspendedAccount, ReinstatedAccount, VoidedVotes, ReinstatedVotes,
	}
}

// Actor is who did it.
type Actor string

// Those who do things.
const (
	ByPlayer    Actor = "player" // or somebody who would be
	ByOrganizer Actor = "organizer"
)

// AuditEntry is a line of the audit log. It names players and videos by their ids, so that it can stay when they go. What organizers
// write in it stays as well: their own names, and reasons, which should name nobody.
type AuditEntry struct {
	ID       int64 // 0 for one that is not entered yet
	At       time.Time
	Actor    Actor
	Action   Action
	PlayerID int64  // whose account or video it was about, 0 for nobody's
	VideoID  int64  // 0 for none
	Detail   string // what an organizer asked for, or who decided and why, or from where somebody tried; "" for all others
}

// AuditQuery asks for lines of the audit log, the latest first.
type AuditQuery struct {
	Before   int64  // the id after the latest that is wanted, 0 for all
	PlayerID int64  // 0 for everybody
	Action   Action // "" for all
	Limit    int    // lines
}

// AuditLog keeps the log. Nothing that is in it can be changed or removed.
type AuditLog interface {
	// RecordAuditEntry enters an act, in a transaction of its own. Acts that change the contest are entered with what they change.
	RecordAuditEntry(ctx context.Context, a AuditEntry) error
	// AuditEntries lists lines, the latest first.
	AuditEntries(ctx context.Context, q AuditQuery) ([]AuditEntry, error)
}

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
	ThrottledSignIn   Action = "sign_in_slowed" // the backoff after wrong passwords refused a sign-in
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

// Actor is the kind of account that performed an action.
type Actor string

// The actors.
const (
	ByPlayer    Actor = "player" // also a client that tried to sign up or in
	ByOrganizer Actor = "organizer"
)

// AuditEntry is a line of the audit log. It names players and videos by their ids, so that it can stay when they go. What organizers
// write in it stays as well: their own names, and reasons, which should not name players.
type AuditEntry struct {
	ID       int64 // 0 before it is inserted
	At       time.Time
	Actor    Actor
	Action   Action
	PlayerID int64  // the account, or the owner of the video; 0 if there is none
	VideoID  int64  // 0 for none
	Detail   string // the organizer's request, the decision's author and reason, or the origin of a refused sign-in; else ""
}

// AuditQuery asks for lines of the audit log, the latest first.
type AuditQuery struct {
	Before   int64  // the id after the latest that is wanted, 0 for all
	PlayerID int64  // 0 for all players
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

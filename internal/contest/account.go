package contest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
)

// AccountStore stores accounts and all rows that belong to them. Each method is one transaction.
type AccountStore interface {
	AuditLog
	// ChangePassword keeps the hash of a new password, ends the player's sessions, and begins a new generation, of which
	// the player is that is returned. It returns ErrWrongPassword if the player is of another generation by now.
	ChangePassword(ctx context.Context, p Player, passwordHash string, at time.Time) (Player, error)
	// ResetPassword does the same for an organizer. It returns ErrNoPlayer.
	ResetPassword(ctx context.Context, p Player, passwordHash string, at time.Time) error
	// DeletePlayer removes the player with all that belongs to it, and says what is to be removed from storage. It returns
	// ErrNotSignedIn if there is no such player.
	DeletePlayer(ctx context.Context, id int64, at time.Time) ([]Video, error)
	// VideosOfPlayer lists a player's videos, newest first.
	VideosOfPlayer(ctx context.Context, playerID int64) ([]Video, error)
	// VotesCastBy lists the votes that a player has given, newest first.
	VotesCastBy(ctx context.Context, playerID int64) ([]CastVote, error)
	// SessionsOfPlayer lists the browsers in which a player is signed in, the latest visit first.
	SessionsOfPlayer(ctx context.Context, playerID int64) ([]Session, error)
	// PartialUploadsOfPlayer lists a player's resumable uploads that are remembered, the latest first.
	PartialUploadsOfPlayer(ctx context.Context, playerID int64) ([]PartialUpload, error)
}

// CastVote is a vote as its voter sees it. A withdrawn vote is not listed.
type CastVote struct {
	VideoID int64
	Title   string
	VotedAt time.Time
	Counts  bool // neither void nor for a video that is hidden
	VoteSignal
}

// Session is a browser in which a player is signed in.
type Session struct {
	SessionVersion int64     // the player's session version when it was begun
	ExpiresAt      time.Time // 30 days after a visit
}

// Accounts lets players change their password, export their data and delete their account.
type Accounts struct {
	Store     AccountStore
	Players   *Players
	Passwords Passwords
	Storage   Storage
	Live      Live
	Clock     Clock
}

// PasswordChange is what a player fills in to have another password.
type PasswordChange struct{ Password, Password1, Password2 string }

// ChangePassword gives the player another password, and ends all sessions and tokens there are. The player that is
// returned can begin new ones. It returns *InvalidError, ErrPasswordsDiffer or ErrWrongPassword.
func (s *Accounts) ChangePassword(ctx context.Context, p Player, form PasswordChange) (Player, error) {
	var bad fieldFaults
	if form.Password == "" {
		bad.addFault("password", Missing, 0)
	}
	bad.checkPassword("password1", form.Password1)
	bad.checkRepeatedPassword("password2", form.Password2)
	if err := bad.asError(); err != nil {
		return Player{}, err
	}
	if form.Password1 != form.Password2 {
		return Player{}, ErrPasswordsDiffer
	}
	if err := s.confirmPassword(ctx, p, form.Password); err != nil {
		return Player{}, err
	}
	hash, err := s.Passwords.Hash(ctx, form.Password1)
	if err != nil {
		return Player{}, fmt.Errorf("hash the password: %w", err)
	}
	return s.Store.ChangePassword(ctx, p, hash, s.Clock.currentTime())
}

// ResetPassword gives the player with this email a random password and ends all of the player's sessions and tokens. An
// organizer calls it after checking who asks. The password is stored nowhere; only its hash is. It returns ErrNoPlayer.
func (s *Accounts) ResetPassword(ctx context.Context, email string) (p Player, password string, err error) {
	p, _, err = s.Players.Store.CredentialsByEmail(ctx, strings.TrimSpace(email))
	if errors.Is(err, ErrBadCredentials) {
		return p, "", ErrNoPlayer
	}
	if err != nil {
		return p, "", err
	}
	password = strings.ToLower(rand.Text())
	hash, err := s.Passwords.Hash(ctx, password)
	if err != nil {
		return p, "", fmt.Errorf("hash the password: %w", err)
	}
	return p, password, s.Store.ResetPassword(ctx, p, hash, s.Clock.currentTime())
}

// confirmPassword returns ErrWrongPassword unless the password is the player's.
func (s *Accounts) confirmPassword(ctx context.Context, p Player, password string) error {
	_, err := s.Players.checkCredentials(ctx, p.Email, password)
	if errors.Is(err, ErrBadCredentials) {
		return ErrWrongPassword
	}
	return err
}

// DeleteAccount removes the player's account, if the password is right: profile, sessions, uploads and videos, public ones too,
// with the votes for them. The votes that the player gave are taken back, so that all counts are of people who are there.
// What stays are lines of the audit log, with ids. It returns ErrWrongPassword.
func (s *Accounts) DeleteAccount(ctx context.Context, p Player, password string) error {
	if err := s.confirmPassword(ctx, p, password); err != nil {
		return err
	}
	videos, err := s.Store.DeletePlayer(ctx, p.ID, s.Clock.currentTime())
	if err != nil {
		return fmt.Errorf("delete the account: %w", err)
	}
	// The account is deleted now, even if the client disconnects. The sweep removes objects that cannot be removed here.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	s.Live.InvalidateCache(ctx, VideosChanged)
	s.Live.InvalidateCache(ctx, VotesChanged)
	for _, v := range videos {
		s.Live.PublishEvent(ctx, Event{VideoID: v.ID, Deleted: true})
	}
	for _, v := range videos {
		_ = s.Storage.DeletePrefix(ctx, v.Media.KeyPrefix()) // the account is gone, and the sweep removes what stays
	}
	return nil
}

// Export is all that the platform stores about a player, except password hashes and session tokens.
type Export struct {
	Player       Player
	Videos       []Video
	Votes        []CastVote
	Sessions     []Session
	Uploads      []PartialUpload
	AuditEntries []AuditEntry
}

// maxExportedEntries bounds how much of the audit log is in an export.
const maxExportedEntries = 10_000

// ExportData collects the player's data.
func (s *Accounts) ExportData(ctx context.Context, p Player) (e Export, err error) {
	err = s.Store.RecordAuditEntry(ctx, AuditEntry{At: s.Clock.currentTime(), Actor: ByPlayer, Action: ExportedData, PlayerID: p.ID})
	if err != nil {
		return e, err
	}
	e.Player = p
	if e.Videos, err = s.Store.VideosOfPlayer(ctx, p.ID); err != nil {
		return e, err
	}
	if e.Votes, err = s.Store.VotesCastBy(ctx, p.ID); err != nil {
		return e, err
	}
	if e.Sessions, err = s.Store.SessionsOfPlayer(ctx, p.ID); err != nil {
		return e, err
	}
	if e.Uploads, err = s.Store.PartialUploadsOfPlayer(ctx, p.ID); err != nil {
		return e, err
	}
	e.AuditEntries, err = s.Store.AuditEntries(ctx, AuditQuery{PlayerID: p.ID, Limit: maxExportedEntries})
	return e, err
}

package contest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// What the rules allow in a player's data.
const (
	MaxName          = 100 // characters of a first or a last name
	MaxCity          = 100 // characters of a city or a country
	MinPassword      = 8   // characters
	MaxPasswordBytes = 72  // bcrypt reads no further
)

// Player is an account. The same kind of account uploads videos and votes.
type Player struct {
	ID        int64
	FirstName string
	LastName  string
	Email     string // as it was typed; unique whatever its case
	City      string // "" if not given
	Country   string // "" if not given
	CreatedAt time.Time

	SessionVersion int64     // sessions and tokens of an earlier version are invalid
	SuspendedAt    time.Time // zero unless organizers have suspended the account
}

// IsSuspended reports whether organizers have suspended the account.
func (p Player) IsSuspended() bool { return !p.SuspendedAt.IsZero() }

// CanUploadOrPublish returns ErrAccountSuspended for a suspended account, also for a request that began before the suspension.
func (p Player) CanUploadOrPublish() error {
	if p.IsSuspended() {
		return ErrAccountSuspended
	}
	return nil
}

// PublicName is how the public sees the player.
func (p Player) PublicName() string { return p.FirstName + " " + p.LastName }

// AllowSignUp is what a person fills in to become a player.
type SignUp struct {
	FirstName, LastName  string
	Email                string
	Password1, Password2 string
	City, Country        string
}

// validate applies the rules to the form and returns the player it describes.
func (s SignUp) validate() (Player, error) {
	var bad fieldFaults
	p := Player{
		FirstName: bad.checkLine("first_name", s.FirstName, MaxName, false),
		LastName:  bad.checkLine("last_name", s.LastName, MaxName, false),
		Email:     bad.checkEmail("email", s.Email),
		City:      bad.checkLine("city", s.City, MaxCity, true),
		Country:   bad.checkLine("country", s.Country, MaxCity, true),
	}
	bad.checkPassword("password1", s.Password1)
	bad.checkRepeatedPassword("password2", s.Password2)
	if err := bad.asError(); err != nil {
		return Player{}, err
	}
	if s.Password1 != s.Password2 {
		return Player{}, ErrPasswordsDiffer
	}
	return p, nil
}

func (f *fieldFaults) checkPassword(name, value string) {
	switch {
	case value == "":
		f.addFault(name, Missing, 0)
	case strings.TrimSpace(value) == "":
		f.addFault(name, Blank, 0)
	case utf8.RuneCountInString(value) < MinPassword:
		f.addFault(name, TooShort, MinPassword)
	case len(value) > MaxPasswordBytes:
		f.addFault(name, TooBig, MaxPasswordBytes)
	}
}

// checkRepeatedPassword checks that a password was typed a second time; whether it is the same is another question.
func (f *fieldFaults) checkRepeatedPassword(name, value string) {
	if value == "" {
		f.addFault(name, Missing, 0)
	}
}

// Profile is what a player may change later.
type Profile struct{ FirstName, LastName, City, Country string }

// UpdateProfile changes the player's profile everywhere it shows. It returns *InvalidError.
func (s *Players) UpdateProfile(ctx context.Context, p Player, form Profile) (Player, error) {
	var bad fieldFaults
	p.FirstName = bad.checkLine("first_name", form.FirstName, MaxName, false)
	p.LastName = bad.checkLine("last_name", form.LastName, MaxName, false)
	p.City = bad.checkLine("city", form.City, MaxCity, true)
	p.Country = bad.checkLine("country", form.Country, MaxCity, true)
	if err := bad.asError(); err != nil {
		return Player{}, err
	}
	return p, s.Store.UpdateProfile(ctx, p)
}

// PlayerStore keeps the players. Each method is one transaction.
type PlayerStore interface {
	// AddPlayer gives the player its id. It returns ErrEmailTaken if the email is there in whatever case.
	AddPlayer(ctx context.Context, p Player, passwordHash string) (Player, error)
	// PlayerByID returns ErrNotSignedIn if there is no such player, because the id comes from a token.
	PlayerByID(ctx context.Context, id int64) (Player, error)
	// UpdateProfile keeps the player's names, city and country, where videos and the ranking are found by them too.
	UpdateProfile(ctx context.Context, p Player) error
	// CredentialsByEmail finds a player and the hash of its password by email, whatever its case. It returns
	// ErrBadCredentials if there is none.
	CredentialsByEmail(ctx context.Context, email string) (Player, string, error)
	// RecordAuditEntry enters an act into the audit log.
	RecordAuditEntry(ctx context.Context, a AuditEntry) error
}

// Passwords hashes passwords and compares them, in a time that does not depend on their content.
type Passwords interface {
	Hash(ctx context.Context, password string) (string, error)
	// Matches reports whether password made hash. An empty hash takes as long as a real one and never matches.
	Matches(ctx context.Context, hash, password string) (bool, error)
}

// Players signs people up and in.
type Players struct {
	Store     PlayerStore
	Passwords Passwords
	Clock     Clock
}

// AllowSignUp makes an account. It returns *InvalidError, ErrPasswordsDiffer or ErrEmailTaken.
func (s *Players) SignUp(ctx context.Context, form SignUp) (Player, error) {
	p, err := form.validate()
	if err != nil {
		return Player{}, err
	}
	hash, err := s.Passwords.Hash(ctx, form.Password1)
	if err != nil {
		return Player{}, fmt.Errorf("hash the password: %w", err)
	}
	p.CreatedAt = s.Clock.currentTime()
	return s.Store.AddPlayer(ctx, p, hash)
}

// LimitSignIn finds the player by email and password. An unknown email and a wrong password are the same
// ErrBadCredentials, after the same time. The right password of a suspended account gets ErrAccountSuspended.
func (s *Players) SignIn(ctx context.Context, email, password string) (Player, error) {
	p, err := s.checkCredentials(ctx, email, password)
	if err != nil {
		return Player{}, err
	}
	if p.IsSuspended() {
		return Player{}, ErrAccountSuspended
	}
	return p, s.Store.RecordAuditEntry(ctx, AuditEntry{At: s.Clock.currentTime(), Actor: ByPlayer, Action: SignedIn, PlayerID: p.ID})
}

func (s *Players) checkCredentials(ctx context.Context, email, password string) (Player, error) {
	p, hash, err := s.Store.CredentialsByEmail(ctx, strings.TrimSpace(email))
	if err != nil && !errors.Is(err, ErrBadCredentials) {
		return Player{}, err
	}
	ok, err := s.Passwords.Matches(ctx, hash, password)
	if err != nil {
		return Player{}, fmt.Errorf("compare the password: %w", err)
	}
	if !ok {
		return Player{}, ErrBadCredentials
	}
	return p, nil
}

// PlayerWithSessionVersion finds the player of a token or session. It returns ErrNotSignedIn if the account is deleted or
// suspended, or if its session version has changed, which ends all earlier tokens and sessions.
func (s *Players) PlayerWithSessionVersion(ctx context.Context, id, generation int64) (Player, error) {
	p, err := s.Store.PlayerByID(ctx, id)
	if err == nil && (p.SessionVersion != generation || p.IsSuspended()) {
		return Player{}, ErrNotSignedIn
	}
	return p, err
}

// PlayerByID finds the player of a token. It returns ErrNotSignedIn if the account is deleted.
func (s *Players) PlayerByID(ctx context.Context, id int64) (Player, error) {
	return s.Store.PlayerByID(ctx, id)
}

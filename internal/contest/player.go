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
	MaxPlace         = 100 // characters of a city or a country
	MinPassword      = 8   // characters
	MaxPasswordBytes = 72  // bcrypt reads no further
)

// Player is a person with an account: whoever uploads, and whoever votes.
type Player struct {
	ID        int64
	FirstName string
	LastName  string
	Email     string // as it was typed; unique whatever its case
	City      string // "" if not given
	Country   string // "" if not given
	CreatedAt time.Time

	Generation int64     // of the player's sessions and tokens: those of another are over
	ShutAt     time.Time // when organizers shut the account, zero if it is open
}

// Shut reports whether organizers have shut the account.
func (p Player) Shut() bool { return !p.ShutAt.IsZero() }

// CanAdd: whose account is shut uploads and publishes nothing, be it that the request was on its way before.
func (p Player) CanAdd() error {
	if p.Shut() {
		return ErrAccountShut
	}
	return nil
}

// Name is how the public sees the player.
func (p Player) Name() string { return p.FirstName + " " + p.LastName }

// SignUp is what a person fills in to become a player.
type SignUp struct {
	FirstName, LastName  string
	Email                string
	Password1, Password2 string
	City, Country        string
}

// check applies the rules to the form and returns the player it describes.
func (s SignUp) check() (Player, error) {
	var bad fields
	p := Player{
		FirstName: bad.line("first_name", s.FirstName, MaxName, false),
		LastName:  bad.line("last_name", s.LastName, MaxName, false),
		Email:     bad.email("email", s.Email),
		City:      bad.line("city", s.City, MaxPlace, true),
		Country:   bad.line("country", s.Country, MaxPlace, true),
	}
	bad.password("password1", s.Password1)
	bad.again("password2", s.Password2)
	if err := bad.err(); err != nil {
		return Player{}, err
	}
	if s.Password1 != s.Password2 {
		return Player{}, ErrPasswordsDiffer
	}
	return p, nil
}

func (f *fields) password(name, value string) {
	switch {
	case value == "":
		f.add(name, Missing, 0)
	case strings.TrimSpace(value) == "":
		f.add(name, Blank, 0)
	case utf8.RuneCountInString(value) < MinPassword:
		f.add(name, TooShort, MinPassword)
	case len(value) > MaxPasswordBytes:
		f.add(name, TooBig, MaxPasswordBytes)
	}
}

// again checks that a password was typed a second time; whether it is the same is another question.
func (f *fields) again(name, value string) {
	if value == "" {
		f.add(name, Missing, 0)
	}
}

// Profile is what a player may change later.
type Profile struct{ FirstName, LastName, City, Country string }

// Change changes the player's profile everywhere it shows. It returns *InvalidError.
func (s *Players) Change(ctx context.Context, p Player, form Profile) (Player, error) {
	var bad fields
	p.FirstName = bad.line("first_name", form.FirstName, MaxName, false)
	p.LastName = bad.line("last_name", form.LastName, MaxName, false)
	p.City = bad.line("city", form.City, MaxPlace, true)
	p.Country = bad.line("country", form.Country, MaxPlace, true)
	if err := bad.err(); err != nil {
		return Player{}, err
	}
	return p, s.Store.ChangePlayer(ctx, p)
}

// PlayerStore keeps the players. Each method is one transaction.
type PlayerStore interface {
	// AddPlayer gives the player its id. It returns ErrEmailTaken if the email is there in whatever case.
	AddPlayer(ctx context.Context, p Player, passwordHash string) (Player, error)
	// PlayerByID returns ErrNotSignedIn if there is no such player: who asks holds an id from a token.
	PlayerByID(ctx context.Context, id int64) (Player, error)
	// ChangePlayer keeps the player's names, city and country, where videos and the ranking are found by them too.
	ChangePlayer(ctx context.Context, p Player) error
	// Credentials finds a player and the hash of its password by email, whatever its case. It returns
	// ErrBadCredentials if there is none.
	Credentials(ctx context.Context, email string) (Player, string, error)
	// Note enters an act into the audit log.
	Note(ctx context.Context, a Act) error
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

// SignUp makes an account. It returns *InvalidError, ErrPasswordsDiffer or ErrEmailTaken.
func (s *Players) SignUp(ctx context.Context, form SignUp) (Player, error) {
	p, err := form.check()
	if err != nil {
		return Player{}, err
	}
	hash, err := s.Passwords.Hash(ctx, form.Password1)
	if err != nil {
		return Player{}, fmt.Errorf("hash the password: %w", err)
	}
	p.CreatedAt = s.Clock.now()
	return s.Store.AddPlayer(ctx, p, hash)
}

// SignIn finds the player by email and password. An unknown email and a wrong password are the same
// ErrBadCredentials, after the same time. Who knows the password of an account that is shut gets ErrAccountShut.
func (s *Players) SignIn(ctx context.Context, email, password string) (Player, error) {
	p, err := s.check(ctx, email, password)
	if err != nil {
		return Player{}, err
	}
	if p.Shut() {
		return Player{}, ErrAccountShut
	}
	return p, s.Store.Note(ctx, Act{At: s.Clock.now(), Actor: ByPlayer, Action: SignedIn, PlayerID: p.ID})
}

func (s *Players) check(ctx context.Context, email, password string) (Player, error) {
	p, hash, err := s.Store.Credentials(ctx, strings.TrimSpace(email))
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

// OfGeneration finds the player for whoever holds a token or a session of a generation. It returns ErrNotSignedIn if the
// player is gone, has begun another generation, or is shut out.
func (s *Players) OfGeneration(ctx context.Context, id, generation int64) (Player, error) {
	p, err := s.Store.PlayerByID(ctx, id)
	if err == nil && (p.Generation != generation || p.Shut()) {
		return Player{}, ErrNotSignedIn
	}
	return p, err
}

// Player finds the player with an id, for whoever holds its token. It returns ErrNotSignedIn if the player is gone.
func (s *Players) Player(ctx context.Context, id int64) (Player, error) {
	return s.Store.PlayerByID(ctx, id)
}

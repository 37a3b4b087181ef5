package api

import (
	"context"
	"errors"
	"strings"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/live"
	"risingstars/internal/web/problem"
)

type signUpInput struct {
	Body struct {
		_         struct{} `additionalProperties:"true"`
		FirstName string   `json:"first_name" minLength:"1" maxLength:"100" pattern:"\\S" patternDescription:"not blank" example:"Valentina"`
		LastName  string   `json:"last_name" minLength:"1" maxLength:"100" pattern:"\\S" patternDescription:"not blank" example:"Ríos"`
		Email     string   `json:"email" format:"email" doc:"Unique, whatever its case." example:"valentina@example.com"`
		Password1 string   `json:"password1" minLength:"8" maxLength:"72" doc:"At least 8 characters and at most 72 bytes." example:"salto-y-canasta"`
		Password2 string   `json:"password2" minLength:"1" doc:"The same again." example:"salto-y-canasta"`
		City      *string  `json:"city,omitempty" nullable:"true" maxLength:"100" example:"Bogotá"`
		Country   *string  `json:"country,omitempty" nullable:"true" maxLength:"100" example:"Colombia"`
	}
}

// profile is a player as it sees itself.
type profile struct {
	ID        int64  `json:"id" example:"1"`
	FirstName string `json:"first_name" example:"Valentina"`
	LastName  string `json:"last_name" example:"Ríos"`
	Email     string `json:"email" example:"valentina@example.com"`
	City      string `json:"city" doc:"Empty if none was given." example:"Bogotá"`
	Country   string `json:"country" doc:"Empty if none was given." example:"Colombia"`
}

type profileOutput struct{ Body profile }

func profileOf(p contest.Player) *profileOutput {
	return &profileOutput{profile{
		ID: p.ID, FirstName: p.FirstName, LastName: p.LastName, Email: p.Email, City: p.City, Country: p.Country,
	}}
}

func (a *API) signUp(ctx context.Context, in *signUpInput) (*profileOutput, error) {
	if err := a.take(ctx, signUps, problem.ScopeOf(ctx).Client); err != nil {
		return nil, err
	}
	p, err := a.Players.SignUp(ctx, contest.SignUp{
		FirstName: in.Body.FirstName, LastName: in.Body.LastName, Email: in.Body.Email,
		Password1: in.Body.Password1, Password2: in.Body.Password2,
		City: text(in.Body.City), Country: text(in.Body.Country),
	})
	if err != nil {
		return nil, err
	}
	return profileOf(p), nil
}

type signInInput struct {
	Body struct {
		_        struct{} `additionalProperties:"true"`
		Email    string   `json:"email" example:"valentina@example.com"`
		Password string   `json:"password" example:"salto-y-canasta"`
	}
}

type signInOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		AccessToken string `json:"access_token" doc:"A JSON Web Token, to be sent as Authorization: Bearer …"`
		TokenType   string `json:"token_type" enum:"bearer"`
		ExpiresIn   int    `json:"expires_in" doc:"Seconds." example:"3600"`
	}
}

// signIn counts failures only, by account and address together: whoever guesses is slowed down, and the owner of the
// account, who asks from another address, is not.
func (a *API) signIn(ctx context.Context, in *signInInput) (*signInOutput, error) {
	who := strings.ToLower(strings.TrimSpace(in.Body.Email)) + " " + problem.ScopeOf(ctx).Client
	if wait := a.Limits.Wait(ctx, failedSignIns, who); wait > 0 {
		return nil, &contest.TooManyError{RetryAfter: wait}
	}
	p, err := a.Players.SignIn(ctx, in.Body.Email, in.Body.Password)
	if errors.Is(err, contest.ErrBadCredentials) {
		a.Limits.Take(ctx, failedSignIns, who)
	}
	if err != nil {
		return nil, err
	}
	out := &signInOutput{CacheControl: "no-store"}
	out.Body.TokenType = "bearer"
	out.Body.AccessToken, out.Body.ExpiresIn, err = a.Tokens.Issue(p.ID)
	return out, err
}

type meInput struct{ Caller }

func (a *API) me(_ context.Context, in *meInput) (*profileOutput, error) {
	return profileOf(in.player), nil
}

// What people may try, and how often. An address may be a whole school behind one router.
var (
	signUps       = live.Rule{Name: "sign-ups by address", Burst: 200, Every: 5 * time.Second}
	failedSignIns = live.Rule{Name: "failed sign-ins by account and address", Burst: 10, Every: 30 * time.Second}
	votes         = live.Rule{Name: "votes by person", Burst: 120, Every: time.Second}
)

// take counts one doing, and returns *contest.TooManyError if the rule does not allow it.
func (a *API) take(ctx context.Context, rule live.Rule, key string) error {
	if wait := a.Limits.Take(ctx, rule, key); wait > 0 {
		return &contest.TooManyError{RetryAfter: wait}
	}
	return nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

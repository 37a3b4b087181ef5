package api

import (
	"context"

	"risingstars/internal/contest"
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

// Profile is a player's own profile. It is exported for the same reason as Video.
type Profile struct {
	ID        int64  `json:"id" example:"1"`
	FirstName string `json:"first_name" example:"Valentina"`
	LastName  string `json:"last_name" example:"Ríos"`
	Email     string `json:"email" example:"valentina@example.com"`
	City      string `json:"city" doc:"Empty if none was given." example:"Bogotá"`
	Country   string `json:"country" doc:"Empty if none was given." example:"Colombia"`
}

type profileOutput struct{ Body Profile }

func profileOf(p contest.Player) *profileOutput {
	return &profileOutput{Profile{
		ID: p.ID, FirstName: p.FirstName, LastName: p.LastName, Email: p.Email, City: p.City, Country: p.Country,
	}}
}

func (a *API) signUp(ctx context.Context, in *signUpInput) (*profileOutput, error) {
	if err := a.Limits.AllowSignUp(ctx, problem.ScopeFromContext(ctx).Client); err != nil {
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

func (a *API) signIn(ctx context.Context, in *signInInput) (*signInOutput, error) {
	var p contest.Player
	err := a.Limits.LimitSignIn(ctx, in.Body.Email, problem.ScopeFromContext(ctx).Client, func() (err error) {
		p, err = a.Players.SignIn(ctx, in.Body.Email, in.Body.Password)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.tokenOf(p)
}

// tokenOf is the answer with a new token.
func (a *API) tokenOf(p contest.Player) (out *signInOutput, err error) {
	out = &signInOutput{CacheControl: "no-store"}
	out.Body.TokenType = "bearer"
	out.Body.AccessToken, out.Body.ExpiresIn, err = a.Tokens.IssueToken(p.ID, p.SessionVersion)
	return out, err
}

type meInput struct{ Caller }

func (a *API) me(_ context.Context, in *meInput) (*profileOutput, error) {
	return profileOf(in.player), nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

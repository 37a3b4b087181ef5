package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"risingstars/internal/contest"
)

const bearer = "bearer"

// Caller is the part of a request that says who asks. It is there in every call whose group needs a token.
type Caller struct {
	player contest.Player
}

type callerKey struct{}

// Resolve takes over whom the middleware found, so that handlers have it as a value.
func (c *Caller) Resolve(ctx huma.Context) []error {
	c.player, _ = ctx.Context().Value(callerKey{}).(contest.Player)
	return nil
}

// signedIn lets only requests pass that carry the token of a player who exists. It runs before anything else of the
// request is looked at.
func (a *API) signedIn(h huma.API) huma.Middlewares {
	return huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		player, err := a.Authenticate(ctx.Context(), ctx.Header("Authorization"))
		if err != nil {
			_ = huma.WriteErr(h, ctx, http.StatusInternalServerError, "", err) // reports its own failure
			return
		}
		next(huma.WithValue(ctx, callerKey{}, player))
	}}
}

// Authenticate finds the player whose token an Authorization header carries (RFC 6750 section 2.1). It returns
// contest.ErrNotSignedIn for anything that is not a good token.
func (a *API) Authenticate(ctx context.Context, header string) (contest.Player, error) {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, bearer) {
		return contest.Player{}, contest.ErrNotSignedIn
	}
	id, generation, err := a.Tokens.PlayerOfToken(strings.TrimSpace(token))
	if err != nil {
		return contest.Player{}, contest.ErrNotSignedIn
	}
	return a.Players.PlayerWithSessionVersion(ctx, id, generation)
}

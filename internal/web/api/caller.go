package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"risingstars/internal/contest"
)

const bearer = "bearer"

// Caller is the part of an input that has the current user. It is set in every call whose group requires a token.
type Caller struct {
	player contest.Player
}

type callerKey struct{}

// Resolve copies the player that the middleware found, so that handlers have it as a value.
func (c *Caller) Resolve(ctx huma.Context) []error {
	c.player, _ = ctx.Context().Value(callerKey{}).(contest.Player)
	return nil
}

// signedIn is a middleware that requires the token of an existing player. It runs before huma reads anything else of
// the request.
func (a *API) signedIn(h huma.API) huma.Middlewares {
	return huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		player, err := a.Authenticate(ctx.Context(), ctx.Header("Authorization"))
		if err != nil {
			_ = huma.WriteErr(h, ctx, http.StatusInternalServerError, "", err) // WriteErr reports its own failure
			return
		}
		next(huma.WithValue(ctx, callerKey{}, player))
	}}
}

// Authenticate returns the player of the token in an Authorization header (RFC 6750 section 2.1). It returns
// contest.ErrNotSignedIn if there is no valid token.
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

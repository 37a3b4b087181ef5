package api

import (
	"context"

	"risingstars/internal/web/limit"
	"risingstars/internal/web/problem"
)

type voteInput struct {
	Caller
	VideoID
}

type voteOutput struct {
	Body struct {
		Message string `json:"message" example:"Vote successfully registered"`
		Votes   int    `json:"votes" minimum:"0" doc:"Of the video, with this one."`
	}
}

// vote casts a vote. It counts against the rate limits before the domain is called.
func (a *API) vote(ctx context.Context, in *voteInput) (*voteOutput, error) {
	client := problem.ScopeFromContext(ctx).Client
	if err := a.Limits.AllowVote(ctx, in.player.ID, client); err != nil {
		return nil, err
	}
	n, err := a.Votes.CastVote(ctx, in.player, in.ID.n, a.Origins.OriginOf(limit.NetworkOf(client)))
	if err != nil {
		return nil, err
	}
	out := &voteOutput{}
	out.Body.Message = "Vote successfully registered"
	out.Body.Votes = n
	return out, nil
}

// takeBack withdraws a vote, within the same rate limits.
func (a *API) takeBack(ctx context.Context, in *voteInput) (*voteOutput, error) {
	if err := a.Limits.AllowVote(ctx, in.player.ID, problem.ScopeFromContext(ctx).Client); err != nil {
		return nil, err
	}
	n, err := a.Votes.WithdrawVote(ctx, in.player, in.ID.n)
	if err != nil {
		return nil, err
	}
	out := &voteOutput{}
	out.Body.Message = "Vote successfully removed"
	out.Body.Votes = n
	return out, nil
}

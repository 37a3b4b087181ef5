package app

import (
	"context"
	"errors"
	"fmt"

	"risingstars/internal/contest"
)

type videosMenu struct {
	Hide hideVideo `cmd:"" help:"Take a public video out of the public: lists, ranking, media and votes. Its votes are kept."`
	Show showVideo `cmd:"" help:"Bring a hidden video back, with its votes."`
}

type hideVideo struct {
	act `embed:""`

	ID int64 `arg:"" help:"Of the video."`
}

// Run hides a video.
func (c hideVideo) Run(r *runner) error {
	return c.moderation(r, func(m *contest.Moderation, _ *data, d contest.Decision) (report, error) {
		return onVideo(r.ctx, m.HideVideo, c.ID, d, report{votes: "set aside"})
	})
}

type showVideo struct {
	act `embed:""`

	ID int64 `arg:"" help:"Of the video."`
}

// Run unhides a video.
func (c showVideo) Run(r *runner) error {
	return c.moderation(r, func(m *contest.Moderation, _ *data, d contest.Decision) (report, error) {
		return onVideo(r.ctx, m.UnhideVideo, c.ID, d, report{votes: "counted again"})
	})
}

func onVideo(ctx context.Context, do func(context.Context, int64, contest.Decision) (contest.Effect, error),
	id int64, d contest.Decision, p report,
) (report, error) {
	e, err := do(ctx, id, d)
	if errors.Is(err, contest.ErrHidden) {
		return p, fmt.Errorf("video %d is hidden already", id)
	}
	if err != nil {
		return p, fmt.Errorf("video %d: %w", id, err)
	}
	p.effects = []contest.Effect{e}
	return p, nil
}

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/web/problem"
)

type passwordInput struct {
	Caller
	Body struct {
		_         struct{} `additionalProperties:"true"`
		Password  string   `json:"password" minLength:"1" doc:"The present one." example:"salto-y-canasta"`
		Password1 string   `json:"password1" minLength:"8" maxLength:"72" doc:"The new one: at least 8 characters and at most 72 bytes." example:"rebote-y-pase"`
		Password2 string   `json:"password2" minLength:"1" doc:"The new one again." example:"rebote-y-pase"`
	}
}

// changePassword answers with a new token, because the change ends all tokens and sessions of the player.
func (a *API) changePassword(ctx context.Context, in *passwordInput) (*signInOutput, error) {
	var changed contest.Player
	err := a.guarded(ctx, in.player, func() (err error) {
		changed, err = a.Accounts.ChangePassword(ctx, in.player, contest.PasswordChange{
			Password: in.Body.Password, Password1: in.Body.Password1, Password2: in.Body.Password2,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.tokenOf(changed)
}

// guarded applies the rate limits of failed sign-ins to check, so that a stolen token cannot be used to guess the
// password.
func (a *API) guarded(ctx context.Context, p contest.Player, check func() error) error {
	return a.Limits.LimitSignIn(ctx, p.Email, problem.ScopeFromContext(ctx).Client, check)
}

type deleteAccountInput struct {
	Caller
	Body struct {
		_        struct{} `additionalProperties:"true"`
		Password string   `json:"password" minLength:"1" example:"salto-y-canasta"`
	}
}

type messageOutput struct {
	Body struct {
		Message string `json:"message" example:"Tu cuenta y tus datos han sido eliminados."`
	}
}

func (a *API) deleteAccount(ctx context.Context, in *deleteAccountInput) (*messageOutput, error) {
	err := a.guarded(ctx, in.player, func() error { return a.Accounts.DeleteAccount(ctx, in.player, in.Body.Password) })
	if err != nil {
		return nil, err
	}
	out := &messageOutput{}
	out.Body.Message = "Tu cuenta y tus datos han sido eliminados."
	return out, nil
}

// Exported is all data stored about a player. It is exported because huma documents embedded structs only if they are
// exported.
type Exported struct {
	Profile  ExportedProfile   `json:"profile"`
	Videos   []ExportedVideo   `json:"videos" doc:"Newest first."`
	Votes    []ExportedVote    `json:"votes" doc:"Given, newest first."`
	Sessions []ExportedSession `json:"sessions" doc:"Browsers that are signed in, the latest visit first."`
	Uploads  []ExportedUpload  `json:"uploads" doc:"Resumable uploads that are remembered, the latest first."`
	Activity []ExportedAct     `json:"activity" doc:"Lines of the audit log, the latest first."`
}

type ExportedProfile struct {
	Profile
	CreatedAt  moment `json:"created_at"`
	Generation int64  `json:"generation" minimum:"0" doc:"How often the password was changed or the account shut."`
}

type ExportedVideo struct {
	Video
	OriginalURL *string      `json:"original_url" nullable:"true" doc:"The file as it was uploaded. The link expires."`
	PosterURL   *string      `json:"poster_url" nullable:"true"`
	Votes       int          `json:"votes" minimum:"0"`
	Bytes       int64        `json:"bytes" doc:"Of the file as it was uploaded."`
	PublishedAt momentOrNull `json:"published_at"`
}

type ExportedVote struct {
	VideoID int64  `json:"video_id" example:"1"`
	Title   string `json:"title" example:"Triple desde la esquina"`
	VotedAt moment `json:"voted_at"`
	Counts  bool   `json:"counts" doc:"False where organizers have hidden the video or said that the vote is void."`

	Origin     *string `json:"origin" nullable:"true" doc:"From where: a keyed hash of the network, to compare with others. Null if unknown."`
	AccountAge *int64  `json:"account_age" nullable:"true" minimum:"0" doc:"How old the account was, in seconds. Null if unknown."`
}

type ExportedSession struct {
	Generation int64  `json:"generation" minimum:"0" doc:"What the profile's was when it was begun."`
	ExpiresAt  moment `json:"expires_at" doc:"30 days after a visit."`
}

type ExportedUpload struct {
	Title     string `json:"title" example:"Triple desde la esquina"`
	MediaType string `json:"media_type" doc:"As the browser declared it, empty if it did not." example:"video/mp4"`
	Bytes     int64  `json:"bytes" doc:"That there are to be."`
	VideoID   *int64 `json:"video_id" nullable:"true" doc:"The video that it became, null while it is under way."`
	ExpiresAt moment `json:"expires_at"`
}

type ExportedAct struct {
	At      moment `json:"at"`
	By      string `json:"by" enum:"player,organizer"`
	Action  string `json:"action" example:"signed_in"`
	VideoID *int64 `json:"video_id" nullable:"true"`
}

type exportInput struct {
	Caller
	Base
}

type exportOutput struct {
	CacheControl       string `header:"Cache-Control"`
	ContentDisposition string `header:"Content-Disposition"`
	Body               Exported
}

// ExportName is the Content-Disposition of an export.
const ExportName = `attachment; filename="risingstars.json"`

func (a *API) export(ctx context.Context, in *exportInput) (*exportOutput, error) {
	e, err := a.Accounts.ExportData(ctx, in.player)
	if err != nil {
		return nil, err
	}
	return &exportOutput{CacheControl: "no-store", ContentDisposition: ExportName, Body: a.exported(a.baseURL(in.Base), e)}, nil
}

// Exported encodes the same document for the site, with links that start with base.
func (a *API) Exported(ctx context.Context, p contest.Player, base string) ([]byte, error) {
	e, err := a.Accounts.ExportData(ctx, p)
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(a.exported(base, e), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode an export: %w", err)
	}
	return append(text, '\n'), nil
}

func (a *API) exported(base string, e contest.Export) Exported {
	out := Exported{
		Profile: ExportedProfile{profileOf(e.Player).Body, moment(e.Player.CreatedAt), e.Player.SessionVersion},
		Videos:  make([]ExportedVideo, len(e.Videos)), Votes: make([]ExportedVote, len(e.Votes)), Activity: make([]ExportedAct, len(e.AuditEntries)),
		Sessions: make([]ExportedSession, len(e.Sessions)), Uploads: make([]ExportedUpload, len(e.Uploads)),
	}
	for i, v := range e.Videos {
		out.Videos[i] = ExportedVideo{
			Video: a.video(base, v), Votes: v.Votes, Bytes: v.Media.Size, PublishedAt: momentOrNull(v.PublishedAt),
			OriginalURL: a.partURL(base, v, contest.OriginalPart, v.Media.OriginalKey()),
			PosterURL:   a.partURL(base, v, contest.PosterPart, v.Media.PosterKey()),
		}
	}
	for i, v := range e.Votes {
		out.Votes[i] = exportedVote(v)
	}
	for i, s := range e.Sessions {
		out.Sessions[i] = ExportedSession{s.SessionVersion, moment(s.ExpiresAt)}
	}
	for i, u := range e.Uploads {
		out.Uploads[i] = ExportedUpload{Title: u.Title, MediaType: u.DeclaredType, Bytes: u.Size, ExpiresAt: moment(u.ExpiresAt)}
		if u.VideoID != 0 {
			out.Uploads[i].VideoID = &u.VideoID
		}
	}
	for i, act := range e.AuditEntries {
		out.Activity[i] = ExportedAct{At: moment(act.At), By: string(act.Actor), Action: string(act.Action)}
		if act.VideoID != 0 {
			out.Activity[i].VideoID = &act.VideoID
		}
	}
	return out
}

func exportedVote(v contest.CastVote) ExportedVote {
	out := ExportedVote{VideoID: v.VideoID, Title: v.Title, VotedAt: moment(v.VotedAt), Counts: v.Counts}
	if v.Origin != "" {
		out.Origin = &v.Origin
	}
	if age := int64(v.VoterAge / time.Second); age >= 0 {
		out.AccountAge = &age
	}
	return out
}

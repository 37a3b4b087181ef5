package site

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/web/lang"
	"risingstars/internal/web/limit"
	"risingstars/internal/web/problem"
)

// Ballot is the vote button with the number of votes.
type Ballot struct {
	Words   *words
	VideoID int64
	Votes   int
	Own     bool   // the video is the current user's own
	Voted   bool   // the current user has a vote for it
	SignIn  string // URL of the sign-in page, "" if there is a current user
	Fault   string // why a vote was refused
}

// VideoPage is /v/{id}: one public video.
type VideoPage struct {
	Layout
	Ballot     Ballot
	Video      contest.Video
	Player     contest.Player
	ClipURL    string
	PosterURL  string
	UploadedAt time.Time
}

// video shows a public video. Its content comes from the cache; whether the user has voted is always read from the
// store.
func (s *Site) video(w http.ResponseWriter, r *http.Request) error {
	ctx, age, layout, err := s.publicLayout(w, r, "gallery")
	if err != nil {
		return err
	}
	shown, err := known(ctx, s, contest.VotesChanged, fmt.Sprint("site video ", idOf(r)), func(ctx context.Context) (shown, error) {
		v, owner, err := s.publicVideo(ctx, idOf(r))
		owner.Email = "" // not shown, so it must not be cached either
		return shown{v, owner}, err
	})
	if err != nil {
		return err
	}
	ballot, err := s.ballot(r, layout, shown.Video)
	if err != nil {
		return err
	}
	return s.showPublic(w, r, age, s.videoPage(r, layout, ballot, shown))
}

func (s *Site) videoPage(r *http.Request, l Layout, ballot Ballot, of shown) *VideoPage {
	v, owner := of.Video, of.Owner
	page := &VideoPage{
		Layout: l, Ballot: ballot, Video: v, Player: owner, UploadedAt: v.UploadedAt,
		ClipURL: s.MediaPath + v.Media.RenditionKey(), PosterURL: s.MediaPath + v.Media.PosterKey(),
	}
	page.Title = v.Title
	page.Canon = fmt.Sprintf("%s/v/%d", s.base(r), v.ID)
	page.Social = &Social{
		Title: v.Title, Description: fmt.Sprintf(l.Words.VideoSocial, owner.PublicName()), URL: page.Canon,
		Image: s.base(r) + page.PosterURL, Video: s.base(r) + page.ClipURL,
	}
	return page
}

// shown is a public video with its owner, as cached.
type shown struct {
	Video contest.Video
	Owner contest.Player
}

func (s *Site) publicVideo(ctx context.Context, id int64) (contest.Video, contest.Player, error) {
	v, err := s.Videos.PublicVideo(ctx, id)
	if err != nil {
		return v, contest.Player{}, err
	}
	owner, err := s.Players.PlayerByID(ctx, v.PlayerID)
	return v, owner, err
}

// idOf is the id in the path, or 0, which no row has, if it is not a valid id.
func idOf(r *http.Request) int64 {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 0 {
		return 0
	}
	return id
}

// ballot makes the vote button for the current user. Without one, the button leads to the sign-in page.
func (s *Site) ballot(r *http.Request, l Layout, v contest.Video) (b Ballot, err error) {
	b = Ballot{Words: l.Words, VideoID: v.ID, Votes: v.Votes, Own: v.PlayerID == l.Reader.ID}
	if l.Reader.ID == 0 {
		id := strconv.FormatInt(v.ID, 10)
		b.SignIn = "/cuenta/entrar?" + query("volver", "/v/"+id, "votar", id)
		return b, nil
	}
	b.Voted, err = s.Votes.HasVoted(r.Context(), l.Reader, v.ID)
	return b, err
}

// blame sets the message of a refused vote. If the user has already voted but has no valid vote, the vote is void.
func (b *Ballot) blame(err error, tag lang.Tag) {
	switch {
	case errors.Is(err, contest.ErrOwnVideo):
		b.Fault = problem.FromError(err, nil, tag).Detail
	case errors.Is(err, contest.ErrAlreadyVoted) && !b.Voted:
		b.Fault = b.Words.VoteVoid
	}
}

// vote casts the current user's vote, or withdraws it if the form has "quitar". Without htmx it redirects to the
// video's page.
func (s *Site) vote(w http.ResponseWriter, r *http.Request) error {
	layout, err := s.layout(w, r, "gallery")
	if err != nil {
		return err
	}
	id := strconv.FormatInt(idOf(r), 10)
	if layout.Reader.ID == 0 {
		redirect(w, r, "/cuenta/entrar?"+query("volver", "/v/"+id, "votar", id))
		return nil
	}
	err = s.castVote(r, layout.Reader, idOf(r), r.FormValue("quitar") != "")
	var refusal *contest.Refusal
	if err != nil && (!errors.As(err, &refusal) || refusal == contest.ErrNoVideo) {
		return err
	}
	if r.Header.Get("HX-Request") == "" && !errors.Is(err, contest.ErrAlreadyVoted) {
		redirect(w, r, "/v/"+id)
		return nil
	}
	return s.showVote(w, r, layout, err)
}

// showVote shows the result of a vote. It answers htmx with the button only, and a browser without scripts with the
// page if there is a message, else with a redirect.
func (s *Site) showVote(w http.ResponseWriter, r *http.Request, l Layout, refused error) error {
	v, owner, err := s.publicVideo(r.Context(), idOf(r))
	if err != nil {
		return err
	}
	ballot, err := s.ballot(r, l, v)
	if err != nil {
		return err
	}
	ballot.blame(refused, tagOf(r))
	if r.Header.Get("HX-Request") != "" {
		return s.render(w, r, http.StatusOK, "video", "ballot", ballot)
	}
	address := fmt.Sprintf("/v/%d", v.ID)
	if ballot.Fault == "" {
		redirect(w, r, address)
		return nil
	}
	l.Switch = address + "?" + query("lang", l.Other.Lang)
	return s.show(w, r, http.StatusBadRequest, s.videoPage(r, l, ballot, shown{v, owner}))
}

// castVote casts the vote, or withdraws it if back is true, within the rate limits of votes.
func (s *Site) castVote(r *http.Request, p contest.Player, videoID int64, back bool) error {
	client := problem.ScopeFromContext(r.Context()).Client
	if err := s.Limits.AllowVote(r.Context(), p.ID, client); err != nil {
		return err
	}
	if back {
		_, err := s.Votes.WithdrawVote(r.Context(), p, videoID)
		return err
	}
	_, err := s.Votes.CastVote(r.Context(), p, videoID, s.Origins.OriginOf(limit.NetworkOf(client)))
	return err
}

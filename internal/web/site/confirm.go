package site

import (
	"fmt"
	"net/http"

	"risingstars/internal/contest"
)

// DeletePage asks for confirmation before a video is deleted.
type DeletePage struct {
	Layout
	Video MyVideo
}

// PublishPage asks for confirmation before a video is published, because a player cannot undo that.
type PublishPage struct {
	Layout
	Video MyVideo
}

// about finds the current user's own video for a confirmation page, and checks with allowed that the action is
// possible. If it redirects to the sign-in page, ok is false and err is nil.
func (s *Site) about(w http.ResponseWriter, r *http.Request, allowed func(contest.Video) error) (l Layout, v MyVideo, ok bool, err error) {
	p, ok, err := s.member(w, r)
	if !ok {
		return l, v, false, err
	}
	if l, err = s.layout(w, r, "myvideos"); err != nil {
		return l, v, false, err
	}
	own, err := s.Videos.OwnVideo(r.Context(), p, idOf(r))
	if err == nil {
		err = allowed(own)
	}
	return l, s.myVideo(l.Words, own, 0), err == nil, err
}

func (s *Site) confirmDelete(w http.ResponseWriter, r *http.Request) error {
	layout, v, ok, err := s.about(w, r, contest.Video.CanDelete)
	if !ok {
		return err
	}
	layout.Title = layout.Words.DeleteTitle
	return s.show(w, r, http.StatusOK, &DeletePage{layout, v})
}

func (s *Site) confirmPublish(w http.ResponseWriter, r *http.Request) error {
	layout, v, ok, err := s.about(w, r, contest.Video.CanPublish)
	if !ok {
		return err
	}
	if v.Status == contest.Public {
		redirect(w, r, fmt.Sprintf("/v/%d", v.ID))
		return nil
	}
	layout.Title = layout.Words.PublishTitle
	return s.show(w, r, http.StatusOK, &PublishPage{layout, v})
}

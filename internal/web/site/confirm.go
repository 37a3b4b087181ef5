package site

import (
	"fmt"
	"net/http"

	"risingstars/internal/contest"
)

// DeletePage asks before a video is deleted.
type DeletePage struct {
	Layout
	Video MyVideo
}

// PublishPage asks before a video is published, which cannot be taken back.
type PublishPage struct {
	Layout
	Video MyVideo
}

// about finds the reader's own video that a page asks about, if the rules allow what it asks. ok is false where the reader
// is sent to sign in, and err may be nil then.
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

package site

import (
	"errors"
	"net/http"

	"risingstars/internal/contest"
)

// PlayerPage is /p/{id}: the public page of a player.
type PlayerPage struct {
	Layout
	Name, City string
	Place      int // position in the national ranking, 0 for none
	Cards      []Card
}

// player shows the page of an account that is not suspended. It never shows the email address.
func (s *Site) player(w http.ResponseWriter, r *http.Request) error {
	layout, err := s.layout(w, r, "")
	if err != nil {
		return err
	}
	p, err := s.Players.PlayerByID(r.Context(), idOf(r))
	if errors.Is(err, contest.ErrNotSignedIn) || p.IsSuspended() {
		return contest.ErrNoPlayer
	}
	if err != nil {
		return err
	}
	page := &PlayerPage{Layout: layout, Name: p.PublicName(), City: p.City}
	page.Title = p.PublicName()
	page.Place, err = s.Votes.RankingPosition(r.Context(), p.ID)
	if err != nil && !errors.Is(err, contest.ErrNoPlayer) {
		return err
	}
	list, err := s.Videos.PublicVideos(r.Context(), contest.PublicQuery{
		Page: contest.Page{Number: 1, Limit: contest.MaxLimit}, PlayerID: p.ID,
	})
	page.Cards = s.cards(list)
	if err != nil {
		return err
	}
	return s.show(w, r, http.StatusOK, page)
}

// OfflinePage is the page that the service worker shows without a network.
type OfflinePage struct{ Layout }

func (s *Site) offline(w http.ResponseWriter, r *http.Request) error {
	page := &OfflinePage{s.plainLayout(r)}
	page.Title = page.Words.OfflineTitle
	return s.show(w, r, http.StatusOK, page)
}

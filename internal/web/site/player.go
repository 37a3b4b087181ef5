package site

import (
	"errors"
	"net/http"

	"risingstars/internal/contest"
)

// PlayerPage is /p/{id}: a player as everybody sees it.
type PlayerPage struct {
	Layout
	Name, City string
	Place      int // in the nation, 0 for none
	Cards      []Card
}

// player shows whoever has an account that is not shut. It never shows an email.
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

// OfflinePage is what the browser shows where there is no network.
type OfflinePage struct{ Layout }

func (s *Site) offline(w http.ResponseWriter, r *http.Request) error {
	page := &OfflinePage{s.plainLayout(r)}
	page.Title = page.Words.OfflineTitle
	return s.show(w, r, http.StatusOK, page)
}

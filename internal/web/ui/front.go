package ui

import (
	"net/http"
	"time"
)

// Front is what the front page shows. With no videos and no ranking it tells
// the reader how to be the first.
type Front struct {
	// Lang is "es" or "en". Empty means the language the request asks for,
	// and anything else is taken for Spanish.
	Lang string

	Videos  []VideoCard  // in the order to be shown, newest first; a dozen is enough
	Ranking []RankingRow // the top of the ranking, first place first
}

// VideoCard is one public video. Its URLs must open in a browser as they are.
type VideoCard struct {
	Title      string
	Player     string
	City       string // empty if the player gave none
	Votes      int
	UploadedAt time.Time // zero: no date is shown
	ClipURL    string
	PosterURL  string // empty: the mark stands in for the picture
}

// RankingRow is one player's place in the ranking.
type RankingRow struct {
	Position int // from 1
	Player   string
	City     string // empty if the player gave none
	Votes    int    // over all of the player's public videos
}

// frontView is Front with what its template needs besides.
type frontView struct {
	Front
	layoutView
}

// Front writes the front page. After an error that says "rendering" nothing has
// been written; after one that says "writing" the reader has gone away.
func (u *UI) Front(w http.ResponseWriter, r *http.Request, page Front) error {
	if page.Lang == "" {
		page.Lang = Language(r)
	}
	layout := newLayoutView(r, page.Lang)
	return u.render(w, "front", layout.Words.Lang, frontView{Front: page, layoutView: layout})
}

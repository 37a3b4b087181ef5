package site

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"risingstars/internal/contest"
)

const (
	rankingPage = 25               // rows per page
	rankingLook = time.Second      // how often a stream checks for changes
	keepAlive   = 15 * time.Second // how often an idle stream sends a comment
)

// Row is one player's standing.
type Row struct {
	contest.Standing
	Own bool
}

// Up is how many positions the player has gained since the last snapshot of the ranking; negative if lost, 0 if
// unknown.
func (r Row) Up() int {
	if r.PreviousPosition == 0 {
		return 0
	}
	return r.PreviousPosition - r.Position
}

// Down is the negative of Up.
func (r Row) Down() int { return -r.Up() }

// RankingPage is /ranking.
type RankingPage struct {
	Layout
	City       string
	Rows       []Row
	Own        int    // the current user's national position, 0 for none
	Events     string // URL of the event stream
	Next, Prev string
	Cities     []string
}

func (s *Site) ranking(w http.ResponseWriter, r *http.Request) error {
	ctx, age, layout, err := s.publicLayout(w, r, "ranking")
	if err != nil {
		return err
	}
	page, err := s.rankingOf(r.WithContext(ctx), layout)
	if err != nil {
		return err
	}
	if layout.Reader.ID != 0 && page.City == "" {
		if place, err := s.Votes.RankingPosition(r.Context(), layout.Reader.ID); err == nil {
			page.Own = place
		}
	}
	return s.showPublic(w, r, age, page)
}

func (s *Site) rankingOf(r *http.Request, layout Layout) (*RankingPage, error) {
	city := strings.TrimSpace(r.URL.Query().Get("ciudad"))
	number, err := strconv.Atoi(r.URL.Query().Get("pagina"))
	if err != nil || number < 1 || number > contest.MaxPage {
		number = 1
	}
	list, err := s.standings(r.Context(), city, number)
	if err != nil {
		return nil, err
	}
	page := &RankingPage{Layout: layout, City: city, Cities: suggestedCities}
	page.Title = layout.Words.RankingTitle
	page.Canon = s.base(r) + "/ranking"
	page.Events = "/ranking/eventos?" + query("ciudad", city, "pagina", strconv.Itoa(number), "lang", layout.Words.Lang)
	for _, place := range list {
		if len(page.Rows) == rankingPage {
			page.Next = rankingURL(city, number+1)
			break
		}
		page.Rows = append(page.Rows, Row{place, place.PlayerID == layout.Reader.ID})
	}
	if number > 1 {
		page.Prev = rankingURL(city, number-1)
	}
	return page, nil
}

// standings loads, through the cache, one page of the ranking and the first row of the next page.
func (s *Site) standings(ctx context.Context, city string, number int) ([]contest.Standing, error) {
	key := fmt.Sprintf("site ranking %d %s", number, city)
	return known(ctx, s, contest.VotesChanged, key, func(ctx context.Context) ([]contest.Standing, error) {
		list, err := s.Votes.RankingPage(ctx, contest.RankingQuery{Page: contest.Page{Number: number, Limit: rankingPage}, City: city})
		if err != nil {
			return nil, err
		}
		if len(list) == rankingPage {
			// The row after the page tells whether there is a next page. It costs a second query, only after a full
			// page.
			next, err := s.Votes.RankingPage(ctx, contest.RankingQuery{
				Page: contest.Page{Number: number*rankingPage + 1, Limit: 1}, City: city,
			})
			if err != nil {
				return nil, err
			}
			list = append(list, next...)
		}
		return list, nil
	})
}

func rankingURL(city string, number int) string {
	return (&url.URL{Path: "/ranking", RawQuery: query("ciudad", city, "pagina", strconv.Itoa(number))}).String()
}

// rankingEvents streams the table as HTML whenever it has changed, until the client disconnects or the server stops.
func (s *Site) rankingEvents(w http.ResponseWriter, r *http.Request) error {
	layout, err := s.layout(w, r, "ranking")
	if err != nil {
		return err
	}
	stream := s.openStream(w)
	look, beat := time.NewTicker(rankingLook), time.NewTicker(keepAlive)
	defer look.Stop()
	defer beat.Stop()
	last := ""
	for {
		page, err := s.rankingOf(r, layout)
		if err != nil {
			return nil // the stream has begun; the browser reconnects
		}
		if table := s.fragment("ranking", "table", page); table != last {
			if stream.send("ranking", table) != nil {
				return nil
			}
			last = table
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-s.Stopping:
			return nil
		case <-beat.C:
			if stream.comment() != nil {
				return nil
			}
		case <-look.C:
		}
	}
}

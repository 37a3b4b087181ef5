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

const galleryPage = 12 // cards per page

// Card is one public video in a list.
type Card struct {
	ID           int64
	Title        string
	Player, City string
	PlayerID     int64
	Votes        int
	UploadedAt   time.Time
	PosterURL    string
}

// GalleryPage is "/": the list of public videos.
type GalleryPage struct {
	Layout
	City, Search string
	MostVoted    bool
	Front        bool // no filter and no current user: the page shows the introduction
	Left         bool // the user's account has just been deleted
	Total        int
	Cards        []Card
	Newest, Most string // URLs of the list in the two orders
	Next, Prev   string // "" if there is no such page
	Cities       []string
}

func (s *Site) gallery(w http.ResponseWriter, r *http.Request) error {
	ctx, age, layout, err := s.publicLayout(w, r, "gallery")
	if err != nil {
		return err
	}
	q, number := galleryQuery(r)
	found, err := s.found(ctx, q)
	if err != nil {
		return err
	}
	total := found.Total
	page := &GalleryPage{
		Layout: layout, City: q.City, Search: q.Search, MostVoted: q.MostVoted, Total: total, Cards: s.cards(found.List),
		Newest: galleryURL(q, false, 1), Most: galleryURL(q, true, 1), Cities: suggestedCities,
		Front: q.City == "" && q.Search == "" && number == 1 && !q.MostVoted && layout.Reader.ID == 0,
	}
	page.Left = s.hasLeft(w, r) && page.Front
	page.Canon = s.base(r) + "/"
	page.Social = &Social{
		Title: layout.Words.SiteTitle, Description: layout.Words.SiteDescription, URL: page.Canon,
		Image: s.base(r) + "/static/apple-touch-icon.png",
	}
	if number*galleryPage < total {
		page.Next = galleryURL(q, q.MostVoted, number+1)
	}
	if number > 1 {
		page.Prev = galleryURL(q, q.MostVoted, number-1)
	}
	if r.Header.Get("HX-Request") != "" && r.Header.Get("HX-Target") == "more" {
		return s.render(w, r, http.StatusOK, "gallery", "more", page)
	}
	return s.showPublic(w, r, age, page)
}

// gallery is one page of public videos, and their number on all pages.
type gallery struct {
	List  []contest.PublicVideo
	Total int
}

// found loads the page and the count through the cache, under separate keys, because votes invalidate only the page.
func (s *Site) found(ctx context.Context, q contest.PublicQuery) (gallery, error) {
	key := fmt.Sprintf("site gallery %d %t %q %q", q.Page.Number, q.MostVoted, q.City, q.Search)
	list, err := known(ctx, s, contest.VotesChanged, key, func(ctx context.Context) ([]contest.PublicVideo, error) {
		return s.Videos.PublicVideos(ctx, q)
	})
	if err != nil {
		return gallery{}, err
	}
	key = fmt.Sprintf("site count %q %q", q.City, q.Search) // votes do not change the count
	total, err := known(ctx, s, contest.VideosChanged, key, func(ctx context.Context) (int, error) { return s.Videos.CountPublicVideos(ctx, q) })
	return gallery{List: list, Total: total}, err
}

func galleryQuery(r *http.Request) (q contest.PublicQuery, number int) {
	form := r.URL.Query()
	number, err := strconv.Atoi(form.Get("pagina"))
	if err != nil || number < 1 || number > contest.MaxPage {
		number = 1
	}
	return contest.PublicQuery{
		Page: contest.Page{Number: number, Limit: galleryPage},
		City: strings.TrimSpace(form.Get("ciudad")), Search: strings.TrimSpace(form.Get("q")),
		MostVoted: form.Get("orden") == "votos",
	}, number
}

func galleryURL(q contest.PublicQuery, mostVoted bool, number int) string {
	order, page := "", ""
	if mostVoted {
		order = "votos"
	}
	if number > 1 {
		page = strconv.Itoa(number)
	}
	return (&url.URL{Path: "/", RawQuery: query("ciudad", q.City, "q", q.Search, "orden", order, "pagina", page)}).String()
}

func (s *Site) cards(list []contest.PublicVideo) []Card {
	cards := make([]Card, 0, len(list))
	for _, v := range list {
		cards = append(cards, Card{
			ID: v.ID, Title: v.Title, Player: v.OwnerName, PlayerID: v.OwnerID, City: v.OwnerCity, Votes: v.Votes,
			UploadedAt: v.UploadedAt, PosterURL: s.MediaPath + v.Media.PosterKey(),
		})
	}
	return cards
}

// Suggested values of form fields. Any other value is valid too.
var (
	suggestedCities = []string{"Armenia", "Barranquilla", "Bogotá", "Bucaramanga", "Cali", "Cartagena", "Cúcuta", "Ibagué",
		"Manizales", "Medellín", "Montería", "Neiva", "Pasto", "Pereira", "Popayán", "Quibdó", "Riohacha", "San Andrés",
		"Santa Marta", "Sincelejo", "Soacha", "Tunja", "Valledupar", "Villavicencio"}
	suggestedCountries = []string{"Argentina", "Bolivia", "Brasil", "Chile", "Colombia", "Costa Rica", "Cuba", "Ecuador",
		"El Salvador", "España", "Guatemala", "Honduras", "México", "Nicaragua", "Panamá", "Paraguay", "Perú",
		"Puerto Rico", "República Dominicana", "Uruguay", "Venezuela"}
)

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"risingstars/internal/contest"
	"risingstars/internal/live"
)

// publicVideo is a public video as every client sees it.
type publicVideo struct {
	ID           int64   `json:"id" example:"1"`
	VideoID      int64   `json:"video_id" doc:"The same." example:"1"`
	Title        string  `json:"title" example:"Triple desde la esquina"`
	UploadedAt   moment  `json:"uploaded_at"`
	ProcessedURL *string `json:"processed_url" nullable:"true"`
	PosterURL    *string `json:"poster_url" nullable:"true"`
	OwnerName    string  `json:"owner_name" example:"Valentina Ríos"`
	OwnerCity    string  `json:"owner_city" example:"Bogotá"`
	Votes        int     `json:"votes" minimum:"0"`
}

type publicVideosInput struct {
	Base
	Page  int    `query:"page" minimum:"1" maximum:"10000000" default:"1"`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
	City  string `query:"city" maxLength:"100" doc:"Whole name, whatever case and accents." example:"bogota"`
	Q     string `query:"q" maxLength:"100" doc:"Part of a title or of a player's name, whatever case and accents."`
}

type publicVideosOutput struct {
	ContentLength int    `header:"Content-Length"`
	TotalCount    int    `header:"X-Total-Count" doc:"Videos on all pages together."`
	Link          string `header:"Link" doc:"RFC 8288: first, prev, next and last page."`
	Age           string `header:"Age" doc:"Seconds since this was so; only while the database is away, and up to ten minutes."`
	Body          cachedList[publicVideo]
}

func (a *API) publicVideos(ctx context.Context, in *publicVideosInput) (*publicVideosOutput, error) {
	q := contest.PublicQuery{
		Page: contest.Page{Number: in.Page, Limit: in.Limit},
		City: in.City, Search: in.Q,
	}
	base := a.baseURL(in.Base)
	ctx, age := live.WithAge(ctx)
	body, err := a.Live.Fetch(ctx, contest.VotesChanged, "videos "+pageKey(q.Page)+base+strconv.Quote(q.City)+q.Search,
		func(ctx context.Context) ([]byte, error) {
			list, err := a.Videos.PublicVideos(ctx, q)
			return encode(list, err, func(v contest.PublicVideo) publicVideo {
				return publicVideo{
					ID: v.ID, VideoID: v.ID, Title: v.Title, UploadedAt: moment(v.UploadedAt),
					ProcessedURL: openURL(base, v.Media.RenditionKey()), PosterURL: openURL(base, v.Media.PosterKey()),
					OwnerName: v.OwnerName, OwnerCity: v.OwnerCity, Votes: v.Votes,
				}
			})
		})
	if err != nil {
		return nil, err
	}
	total, err := a.countPublic(ctx, q)
	if err != nil {
		return nil, err
	}
	return &publicVideosOutput{ContentLength: len(body), TotalCount: total, Link: pageLinks(in, total), Age: age.Header(), Body: body}, nil
}

// countPublic counts the videos of a query on all pages. Votes do not change the count, so it is cached apart from
// the pages.
func (a *API) countPublic(ctx context.Context, q contest.PublicQuery) (int, error) {
	digits, err := a.Live.Fetch(ctx, contest.VideosChanged, "count "+strconv.Quote(q.City)+q.Search,
		func(ctx context.Context) ([]byte, error) {
			n, err := a.Videos.CountPublicVideos(ctx, q)
			return strconv.AppendInt(nil, int64(n), 10), err
		})
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(digits))
}

// pageKey is the page's part of a cache key.
func pageKey(p contest.Page) string {
	return strconv.Itoa(p.Number) + " " + strconv.Itoa(p.Limit) + " "
}

// pageLinks is the Link header (RFC 8288) of a page of the public list, with relative references.
func pageLinks(in *publicVideosInput, total int) string {
	last := max(1, (total+in.Limit-1)/in.Limit)
	var links []string
	add := func(rel string, page int) {
		query := url.Values{"page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(in.Limit)}}
		if in.City != "" {
			query.Set("city", in.City)
		}
		if in.Q != "" {
			query.Set("q", in.Q)
		}
		links = append(links, fmt.Sprintf(`</api/public/videos?%s>; rel="%s"`, query.Encode(), rel))
	}
	add("first", 1)
	if in.Page > 1 {
		add("prev", min(in.Page-1, last))
	}
	if in.Page < last {
		add("next", in.Page+1)
	}
	add("last", last)
	return strings.Join(links, ", ")
}

// standing is one row of the ranking.
type standing struct {
	Position int    `json:"position" minimum:"1"`
	Username string `json:"username" example:"Valentina Ríos"`
	City     string `json:"city" doc:"Empty if none was given." example:"Bogotá"`
	Votes    int    `json:"votes" minimum:"0"`
}

type rankingsInput struct {
	Page  int    `query:"page" minimum:"1" maximum:"10000000" default:"1"`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"10"`
	City  string `query:"city" maxLength:"100" doc:"Whole name, whatever case and accents." example:"bogota"`
}

type rankingsOutput struct {
	ContentLength int    `header:"Content-Length"`
	Age           string `header:"Age" doc:"Seconds since this was so; only while the database is away, and up to ten minutes."`
	Body          cachedList[standing]
}

func (a *API) rankings(ctx context.Context, in *rankingsInput) (*rankingsOutput, error) {
	q := contest.RankingQuery{Page: contest.Page{Number: in.Page, Limit: in.Limit}, City: in.City}
	ctx, age := live.WithAge(ctx)
	body, err := a.Live.Fetch(ctx, contest.VotesChanged, "ranking "+pageKey(q.Page)+q.City,
		func(ctx context.Context) ([]byte, error) {
			list, err := a.Votes.RankingPage(ctx, q)
			return encode(list, err, func(s contest.Standing) standing {
				return standing{Position: s.Position, Username: s.Username, City: s.City, Votes: s.Votes}
			})
		})
	if err != nil {
		return nil, err
	}
	return &rankingsOutput{ContentLength: len(body), Age: age.Header(), Body: body}, nil
}

// encode encodes a list as a JSON array.
func encode[T, R any](list []T, err error, row func(T) R) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	rows := make([]R, len(list))
	for i, v := range list {
		rows[i] = row(v)
	}
	text, err := json.Marshal(rows)
	return append(text, '\n'), err
}

package ui

import (
	"net/http"

	"risingstars/internal/contest"
	"risingstars/internal/web/problem"
)

// How much of the contest the front page shows.
const (
	homeVideos  = 12
	homePlayers = 10
)

// Home serves the front page of a contest: the newest public videos and the top of the ranking. Objects of public
// videos are found under mediaPath.
func (u *UI) Home(videos *contest.Videos, votes *contest.Votes, mediaPath string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		newest, err := videos.PublicVideos(r.Context(), contest.PublicQuery{Page: contest.Page{Number: 1, Limit: homeVideos}})
		if err != nil {
			problem.Write(w, r, err)
			return
		}
		top, err := votes.Ranking(r.Context(), contest.RankingQuery{Page: contest.Page{Number: 1, Limit: homePlayers}})
		if err != nil {
			problem.Write(w, r, err)
			return
		}
		var page Front
		for _, v := range newest {
			page.Videos = append(page.Videos, VideoCard{
				Title: v.Title, Player: v.OwnerName, City: v.OwnerCity, Votes: v.Votes, UploadedAt: v.UploadedAt,
				ClipURL: mediaPath + v.Media.Clip(), PosterURL: mediaPath + v.Media.Poster(),
			})
		}
		for _, s := range top {
			page.Ranking = append(page.Ranking, RankingRow{Position: s.Position, Player: s.Username, City: s.City, Votes: s.Votes})
		}
		if err := u.Front(w, r, page); err != nil {
			problem.Write(w, r, err)
		}
	}
}

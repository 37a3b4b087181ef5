package store

import (
	"context"
	"fmt"
	"strings"

	"risingstars/internal/contest"
)

// PublicVideos implements [contest.VideoStore]. The subquery gets the ids of the page from an index alone. Titles and
// names are read only for those.
func (s *Store) PublicVideos(ctx context.Context, q contest.PublicQuery) ([]contest.PublicVideo, error) {
	where, args := publicWhere(q)
	args = append(args, q.Page.Limit, q.Page.Offset())
	columns, inner, outer := `uploaded_at`, `uploaded_at DESC, id DESC`, `page.uploaded_at DESC, page.page_id DESC`
	if q.MostVoted {
		columns, inner, outer = `uploaded_at, votes`, `votes DESC, `+inner, `page.votes DESC, `+outer
	}
	return many(ctx, s, "public_videos", scanPublicVideo, fmt.Sprintf(`
		SELECT v.id, v.title, p.id, p.first_name, p.last_name, p.city, v.votes, v.token, v.format, v.size, v.run, v.uploaded_at
		FROM (
			SELECT id AS page_id, %s FROM videos WHERE %s
			ORDER BY %s
			LIMIT $%d OFFSET $%d
		) AS page
		JOIN videos AS v ON v.id = page.page_id
		JOIN players AS p ON p.id = v.player_id
		ORDER BY %s`, columns, where, inner, len(args)-1, len(args), outer), args...)
}

// CountPublicVideos implements [contest.VideoStore]. Triggers count the videos of each city (migration public_counts),
// so counting all videos reads one row for each city, and counting a city's reads one row. Counts by player or search
// read the videos.
func (s *Store) CountPublicVideos(ctx context.Context, q contest.PublicQuery) (int, error) {
	if q.PlayerID == 0 && q.Search == "" {
		return s.keptCount(ctx, q.City)
	}
	where, args := publicWhere(q)
	return one(ctx, s, "count_public", scanInt, nil, `SELECT count(*) FROM videos WHERE `+where, args...)
}

// keptCount returns how many public videos a city has, from the table that triggers keep; "" means all cities.
func (s *Store) keptCount(ctx context.Context, city string) (int, error) {
	const sum = `SELECT CAST(COALESCE(sum(videos), 0) AS BIGINT) FROM public_counts`
	if city == "" {
		return one(ctx, s, "count_public", scanInt, nil, sum)
	}
	return one(ctx, s, "count_public", scanInt, nil, sum+` WHERE city_key = $1`, fold(city))
}

// publicWhere returns the SQL condition of a public list, made of fixed texts, and its arguments.
func publicWhere(q contest.PublicQuery) (where string, args []any) {
	conditions := []string{`status = 'public'`}
	if q.City != "" {
		args = append(args, fold(q.City))
		conditions = append(conditions, fmt.Sprintf(`city_key = $%d`, len(args)))
	}
	if q.PlayerID != 0 {
		args = append(args, q.PlayerID)
		conditions = append(conditions, fmt.Sprintf(`player_id = $%d`, len(args)))
	}
	if q.Search != "" {
		args = append(args, containing(q.Search))
		conditions = append(conditions, fmt.Sprintf(`search_key LIKE $%d ESCAPE '\'`, len(args)))
	}
	return strings.Join(conditions, " AND "), args
}

func scanPublicVideo(row scanner) (contest.PublicVideo, error) {
	var v contest.PublicVideo
	var owner contest.Player
	err := row.Scan(&v.ID, &v.Title, &v.OwnerID, &owner.FirstName, &owner.LastName, &v.OwnerCity, &v.Votes,
		&v.Media.Token, &v.Media.Format, &v.Media.Size, &v.Media.Run, (*timestamp)(&v.UploadedAt))
	v.OwnerName = owner.PublicName()
	return v, err
}

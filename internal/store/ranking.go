package store

import (
	"context"

	"risingstars/internal/contest"
)

// RankingPage implements [contest.VoteStore]. A page is a range of an index in the order of the ranking. Its cost does
// not depend on the number of votes; each row before the page costs one index entry.
func (s *Store) RankingPage(ctx context.Context, q contest.RankingQuery) ([]contest.Standing, error) {
	args := []any{q.Page.Limit, q.Page.Offset()}
	where, before := ``, `position`
	if q.City != "" {
		where, before = `WHERE city_key = $3`, `city_position`
		args = append(args, fold(q.City))
	}
	list, err := many(ctx, s, "ranking", scanStanding, `
		SELECT page.player_id, p.first_name, p.last_name, p.city, page.votes, COALESCE(b.`+before+`, 0)
		FROM (
			SELECT player_id, votes, reached_at FROM standings `+where+`
			ORDER BY votes DESC, reached_at, player_id
			LIMIT $1 OFFSET $2
		) AS page
		JOIN players AS p ON p.id = page.player_id
		LEFT JOIN standings_before AS b ON b.player_id = page.player_id
		ORDER BY page.votes DESC, page.reached_at, page.player_id`, args...)
	for i := range list {
		list[i].Position = q.Page.Offset() + i + 1
	}
	return list, err
}

func scanStanding(row scanner) (contest.Standing, error) {
	var place contest.Standing
	var p contest.Player
	err := row.Scan(&place.PlayerID, &p.FirstName, &p.LastName, &place.City, &place.Votes, &place.PreviousPosition)
	place.Username = p.PublicName()
	return place, err
}

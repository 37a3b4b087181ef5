package store

import (
	"context"
	"time"

	"risingstars/internal/contest"
)

// FindVoteClusters implements [contest.Suspicions]. It scans all votes, because an index for it would make every vote
// more expensive.
func (s *Store) FindVoteClusters(ctx context.Context, q contest.VoteClusterQuery) ([]contest.VoteCluster, error) {
	return many(ctx, s, "clusters", func(row scanner) (c contest.VoteCluster, err error) {
		var p contest.Player
		err = row.Scan(&c.PlayerID, &p.FirstName, &p.LastName, &c.Origin, &c.Votes, &c.YoungVotes, &c.PlayerVotes,
			(*timestamp)(&c.First), (*timestamp)(&c.Last))
		c.Name = p.PublicName()
		return c, err
	}, `
		SELECT c.player_id, p.first_name, p.last_name, c.origin, c.votes, c.young, COALESCE(s.votes, 0), c.first_at, c.last_at
		FROM (
			SELECT player_id, origin, count(*) AS votes, min(voted_at) AS first_at, max(voted_at) AS last_at,
				count(*) FILTER (WHERE voter_age >= 0 AND voter_age < $1) AS young
			FROM votes WHERE origin <> '' AND voted_at >= $2
			GROUP BY player_id, origin
			HAVING count(*) FILTER (WHERE voter_age >= 0 AND voter_age < $1) >= $3
		) AS c
		JOIN players AS p ON p.id = c.player_id
		LEFT JOIN standings AS s ON s.player_id = c.player_id
		ORDER BY c.young DESC, c.votes DESC, c.player_id, c.origin
		LIMIT $4`, int64(q.YoungBelow/time.Second), timestamp(q.Since), q.MinYoungVotes, q.Limit)
}

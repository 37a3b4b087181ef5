package contest

import (
	"context"
	"time"
)

// VoteSignal is stored with a vote to find clusters of fake accounts. The public never sees it.
type VoteSignal struct {
	Origin   string        // keyed hash of the voter's network; "" if unknown
	VoterAge time.Duration // age of the voter's account at the vote, whole seconds; negative if unknown
}

// UnknownVoteSignal belongs to votes stored without one.
var UnknownVoteSignal = VoteSignal{VoterAge: -time.Second}

// VoteClusterQuery asks for clusters: votes for one player from one origin, many of them from young accounts.
type VoteClusterQuery struct {
	Since         time.Time     // votes cast since then
	YoungBelow    time.Duration // an account younger than this at its vote is young
	MinYoungVotes int           // least number of votes of young accounts
	Limit         int           // clusters returned
}

// VoteCluster is a group of votes for one player from one origin.
type VoteCluster struct {
	PlayerID    int64
	Name        string
	Origin      string
	Votes       int // those that count
	YoungVotes  int // of them, from young accounts
	PlayerVotes int // the player's votes from all origins
	First, Last time.Time
}

// VoteClusterFinder finds clusters, those with the most votes of young accounts first.
type VoteClusterFinder interface {
	FindVoteClusters(ctx context.Context, q VoteClusterQuery) ([]VoteCluster, error)
}

package contest

import (
	"context"
	"time"
)

// VoteSignal is what is kept with a vote to find crowds of made-up voters by. Nothing of it is shown to the public.
type VoteSignal struct {
	Origin   string        // from where the vote came, as a keyed hash; "" if unknown
	VoterAge time.Duration // how old the voter's account was, in whole seconds; negative if unknown
}

// UnknownVoteSignal is for votes of which nothing is known.
var UnknownVoteSignal = VoteSignal{VoterAge: -time.Second}

// VoteClusterQuery asks for votes for one player from one origin of which many came from young accounts.
type VoteClusterQuery struct {
	Since         time.Time     // votes from then on
	YoungBelow    time.Duration // an account is young until it is so old, when it votes
	MinYoungVotes int           // votes of young accounts
	Limit         int           // clusters
}

// VoteCluster is a number of votes for one player from one origin.
type VoteCluster struct {
	PlayerID    int64
	Name        string
	Origin      string
	Votes       int // those that stand
	YoungVotes  int // those of young accounts
	PlayerVotes int // the player's votes from everywhere
	First, Last time.Time
}

// VoteClusterFinder finds clusters, those with the most votes of young accounts first.
type VoteClusterFinder interface {
	FindVoteClusters(ctx context.Context, q VoteClusterQuery) ([]VoteCluster, error)
}

package contest

import (
	"context"
	"time"
)

// Signal is what is kept with a vote to find crowds of made-up voters by. Nothing of it is shown to the public.
type Signal struct {
	Origin   string        // from where the vote came, as a keyed hash; "" if unknown
	VoterAge time.Duration // how old the voter's account was, in whole seconds; negative if unknown
}

// NoSignal is for votes of which nothing is known.
var NoSignal = Signal{VoterAge: -time.Second}

// ClustersQuery asks for votes for one player from one origin of which many came from young accounts.
type ClustersQuery struct {
	Since time.Time     // votes from then on
	Young time.Duration // an account is young until it is so old, when it votes
	Least int           // votes of young accounts
	Limit int           // clusters
}

// Cluster is a number of votes for one player from one origin.
type Cluster struct {
	PlayerID    int64
	Name        string
	Origin      string
	Votes       int // those that stand
	Young       int // those of young accounts
	InAll       int // the player's votes from everywhere
	First, Last time.Time
}

// Suspicions finds clusters, those with the most votes of young accounts first.
type Suspicions interface {
	Clusters(ctx context.Context, q ClustersQuery) ([]Cluster, error)
}

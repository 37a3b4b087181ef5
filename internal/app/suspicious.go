package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"risingstars/internal/contest"
)

type suspicious struct {
	Least int           `default:"10" placeholder:"N" help:"How many votes of young accounts make it worth a look."`
	Young time.Duration `default:"1h" placeholder:"DURATION" help:"An account is young until it is so old, when it votes."`
	Since time.Duration `default:"720h" placeholder:"DURATION" help:"How long ago the votes were given at most."`
	Limit int           `default:"50" placeholder:"N" help:"How many are listed at most."`
	JSON  bool          `name:"json" help:"One JSON object a line, for programs."`
}

// listedCluster is a line of votes suspicious --json. Fields may be added, but not renamed or removed.
type listedCluster struct {
	PlayerID   int64     `json:"player_id"`
	Player     string    `json:"player"`
	Origin     string    `json:"origin"`
	YoungVotes int       `json:"young_votes"`
	Votes      int       `json:"votes"`
	AllVotes   int       `json:"all_votes"`
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
}

// Run lists clusters of votes. It shows an address as a keyed hash, which reveals only whether two addresses are the
// same.
func (c suspicious) Run(r *runner) (err error) {
	if c.Least < 1 || c.Limit < 1 || c.Young < time.Second || c.Since <= 0 {
		return errors.New("--least and --limit must be 1 or more, --young at least 1s, and --since more than 0")
	}
	d, err := openCurrent(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	clusters, err := d.store.FindVoteClusters(r.ctx, contest.VoteClusterQuery{
		Since: time.Now().Add(-c.Since), YoungBelow: c.Young, MinYoungVotes: c.Least, Limit: c.Limit,
	})
	switch {
	case err != nil:
		return err
	case c.JSON:
		encoder := json.NewEncoder(r.out)
		for _, l := range clusters {
			err := encoder.Encode(listedCluster{l.PlayerID, l.Name, l.Origin, l.YoungVotes, l.Votes, l.PlayerVotes, l.First, l.Last})
			if err != nil {
				return fmt.Errorf("write a line: %w", err)
			}
		}
		return nil
	case len(clusters) == 0:
		_, err := fmt.Fprintln(r.out, "Nothing looks suspicious.")
		return err
	}
	table := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PLAYER\tNAME\tORIGIN\tYOUNG\tFROM THERE\tIN ALL\tFIRST\tLAST")
	for _, l := range clusters {
		fmt.Fprintf(table, "%d\t%s\t%s\t%d\t%d\t%d\t%s\t%s\n", l.PlayerID, printable(l.Name), l.Origin, l.YoungVotes, l.Votes, l.PlayerVotes,
			l.First.Format(time.RFC3339), l.Last.Format(time.RFC3339))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

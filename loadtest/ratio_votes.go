package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"risingstars/internal/testserver"
)

// spreadStars is how many players get votes in the rounds in which not all votes go to one player.
const spreadStars = 1000

// compareVotes measures how many votes a web process accepts from sixteen connections, compared with the transactions of
// pgbench with sixteen connections on the same PostgreSQL: spread over a thousand players, and all for one player.
func (b *benchmark) compareVotes(h *harness) []figure {
	t := newTargetWithTables(h, fleet, b.programPath, true)
	voters := max(spreadStars, b.Voters)
	insertPlayers(h, t, max(voters, 3*spreadStars))
	v := &voteComparison{harness: h, target: t, voters: int64(voters), asker: newRequester(h, t.startWeb("web", settings{"WORKERS": "0"}), "", b.RoundTime)}
	v.signInVoters()
	pgbench := testserver.Program(h, "pgbench", os.Getenv("RISINGSTARS_TEST_POSTGRES"), "/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin")
	two := writePgbenchScript(h, "two", insertVote, countVote)
	three := writePgbenchScript(h, "three", insertVote, countVote, rankVote)
	var many, one, bareMany, bareOne, bareThree []float64
	cost, bareCost := processorCosts{}, processorCosts{}
	for range b.Rounds {
		many = append(many, cost.measureRound(t, func() float64 { return v.votesPerSecondOverHTTP(spreadStars) }, b.RoundTime))
		bareMany = append(bareMany, bareCost.measureRound(t, func() float64 { return v.pgbenchPerSecond(pgbench, two, spreadStars) }, b.RoundTime))
		one = append(one, v.votesPerSecondOverHTTP(1))
		bareOne = append(bareOne, v.pgbenchPerSecond(pgbench, two, 1))
		bareThree = append(bareThree, v.pgbenchPerSecond(pgbench, three, spreadStars))
	}
	list := []figure{
		figureAtLeast("votes for a thousand stars over HTTP, beside pgbench with the same two statements", medianOf(ratioPerRound(many, bareMany)), "of pgbench", .6),
		figureAtLeast("votes for one star, beside votes for a thousand", medianOf(ratioPerRound(one, many)), "of spread", .5),
		{What: "votes for a thousand stars over HTTP", Value: medianOf(many), Unit: "votes/s"},
		{What: "votes for one star over HTTP", Value: medianOf(one), Unit: "votes/s"},
		{What: "pgbench, a thousand stars, two statements", Value: medianOf(bareMany), Unit: "votes/s"},
		{What: "pgbench, a thousand stars, with the ranking as the third statement", Value: medianOf(bareThree), Unit: "votes/s"},
		{What: "pgbench, one star, two statements", Value: medianOf(bareOne), Unit: "votes/s"},
		{What: "pgbench, for each transaction: postgres", Value: medianOf(bareCost["postgres"]), Unit: "ms of a processor"},
	}
	for _, name := range []string{"web", "postgres", "redis"} {
		list = append(list, figure{What: "a vote over HTTP: " + name, Value: medianOf(cost[name]), Unit: "ms of a processor"})
	}
	return list
}

// processorCosts are the milliseconds of processor time that each process uses for a vote, round by round.
type processorCosts map[string][]float64

// measureRound runs a round, which returns a rate, and records what the processes used for each vote in it.
func (c processorCosts) measureRound(t *target, round func() float64, took time.Duration) float64 {
	before := map[string]float64{}
	for _, w := range t.watched {
		before[w.name] = useOfProcessTree(readProcessTree(), w.pid).cpu
	}
	rate := round()
	for _, w := range t.watched {
		c[w.name] = append(c[w.name], 1000*(useOfProcessTree(readProcessTree(), w.pid).cpu-before[w.name])/max(1, rate*took.Seconds()))
	}
	return rate
}

// The statements of a vote, for pgbench.
const (
	insertVote = `INSERT INTO votes (voter_id, video_id, player_id, voted_at, before_at, origin, voter_age) VALUES (:voter, :star, :star, now(), now(), '', 0) ON CONFLICT DO NOTHING;`
	countVote  = `UPDATE videos SET votes = votes + 1 WHERE id = :star;`
	rankVote   = `UPDATE standings SET votes = votes + 1, reached_at = now() WHERE player_id = :star;`
)

func writePgbenchScript(h *harness, name string, statements ...string) string {
	path := filepath.Join(h.TempDir(), name)
	text := "\\set star random(1, :stars)\n\\set voter random(1, :voters)\nBEGIN;\n" + strings.Join(statements, "\n") + "\nCOMMIT;\n"
	h.requireNoError(os.WriteFile(path, []byte(text), 0o600), "write a script")
	return path
}

func ratioPerRound(ours, theirs []float64) []float64 {
	list := make([]float64, len(ours))
	for i := range ours {
		list[i] = ours[i] / max(1, theirs[i])
	}
	return list
}

// voteComparison casts votes, each for a pair of voter and player that has not voted yet.
type voteComparison struct {
	*harness
	target    *target
	asker     *requester
	voters    int64
	tokens    []string // of the voter with id i+1
	castVotes atomic.Int64
}

// signInVoters gets a token for each voter. The inserted rows have no password, so they first get that of a signed-up account.
func (v *voteComparison) signInVoters() {
	p := newPreparer(v.target)
	v.requireNoError(p.signUpAccount(0, "model@example.com"), "sign up")
	_, err := v.target.db.ExecContext(v.ctx, `
		UPDATE players SET password_hash = (SELECT password_hash FROM players WHERE email = 'model@example.com') WHERE id <= $1`, v.voters)
	v.requireNoError(err, "set the voters' passwords")
	v.tokens = make([]string, v.voters)
	v.requireNoError(runInParallel(len(v.tokens), func(i int) (err error) {
		v.tokens[i], err = p.logInAccount(fmt.Sprintf("%d@example.com", i+1))
		return err
	}), "sign in")
}

// nextVoterAndStar is the pair of the next vote. A player's video has the player's id, and players do not vote for
// themselves. pgbench uses the first thousand players, spread votes the second thousand, and votes for one player those
// behind.
func (v *voteComparison) nextVoterAndStar(stars int64) (voter, star int64) {
	n := v.castVotes.Add(1)
	voter = n%v.voters + 1
	star = spreadStars + (n+n/v.voters)%spreadStars + 1
	if stars == 1 {
		star = 2*spreadStars + n/v.voters + 1
	}
	if voter == star {
		return v.nextVoterAndStar(stars)
	}
	return voter, star
}

// votesPerSecondOverHTTP is the rate of votes in one round. With one star, all voters vote for it before the next star gets
// a vote.
func (v *voteComparison) votesPerSecondOverHTTP(stars int64) float64 {
	return v.asker.requestsPerSecond(v.harness, func(int) []byte {
		voter, star := v.nextVoterAndStar(stars)
		return fmt.Appendf(nil, "POST /api/public/videos/%d/vote HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: 0\r\n\r\n",
			star, v.asker.address, v.tokens[voter-1])
	})
}

var pgbenchRateLine = regexp.MustCompile(`tps = ([0-9.]+) \(without`)

// pgbenchPerSecond is the rate of transactions that pgbench reports for one round.
func (v *voteComparison) pgbenchPerSecond(path, script string, stars int) float64 {
	seconds := max(1, int(v.asker.round.Seconds()))
	cmd := exec.CommandContext(v.ctx, path, "-n", "-M", "prepared", "-c", strconv.Itoa(connectionsAtOnce), "-j", "2",
		"-T", strconv.Itoa(seconds), "-D", fmt.Sprint("stars=", stars), "-D", fmt.Sprint("voters=", v.voters), "-f", script,
		v.target.postgres.URL("contest"))
	out, err := cmd.CombinedOutput()
	m := pgbenchRateLine.FindSubmatch(out)
	if err != nil || m == nil {
		v.Fatalf("pgbench: %v\n%s", err, out)
	}
	rate, err := strconv.ParseFloat(string(m[1]), 64)
	v.requireNoError(err, "read pgbench's rate")
	return rate
}

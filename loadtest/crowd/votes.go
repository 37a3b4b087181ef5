package crowd

import (
	"fmt"
	"net/http"
	"time"
)

// alreadyVoted is the detail of the refusal of a second vote.
const alreadyVoted = "You have already voted for this video"

// castNextVote takes the next pair of account and video, in an order that all users share: every account votes for the
// first video, then for the second. Every tenth vote is sent a second time and must be refused; every 25th is followed by
// a look at the ranking.
func (u *user) castNextVote() {
	n := int(u.nextVote.Add(1) - 1)
	video := n / len(u.Accounts)
	if video >= len(u.VideoIDs) { // every account has voted for every video
		waitUnlessDone(u.ctx, time.Second)
		return
	}
	account := u.Accounts[n%len(u.Accounts)]
	vote := request{
		call: "vote", method: http.MethodPost, path: fmt.Sprintf("/api/public/videos/%d/vote", u.VideoIDs[video]), status: http.StatusOK,
		token: account.Token, account: account.Email, videoID: u.VideoIDs[video],
	}
	if u.send(vote, checkVote) && n%10 == 0 {
		again := vote
		again.call, again.status = "second vote", http.StatusBadRequest
		u.send(again, checkSecondVote)
	}
	if n%25 == 0 {
		u.send(request{call: "ranking", method: http.MethodGet, path: "/api/public/rankings", status: http.StatusOK}, checkRanking)
	}
}

func checkVote(a answer) error {
	body, err := decode[struct {
		Message string `json:"message"`
		Votes   int    `json:"votes"`
	}](a)
	switch {
	case err != nil:
		return err
	case body.Message != "Vote successfully registered":
		return wrongBody("another message")
	case body.Votes <= 0:
		return wrongBody("no votes after a vote")
	}
	return nil
}

func checkSecondVote(a answer) error {
	if detailOf(a) != alreadyVoted {
		return wrongBody("another refusal")
	}
	return nil
}

func checkRanking(a answer) error {
	rows, err := decode[[]struct {
		Position int `json:"position"`
		Votes    int `json:"votes"`
	}](a)
	if err != nil {
		return err
	}
	for i, row := range rows {
		if row.Position != i+1 {
			return wrongBody("positions are not 1, 2, 3 …")
		}
		if i > 0 && row.Votes > rows[i-1].Votes {
			return wrongBody("the ranking is not by votes")
		}
	}
	return nil
}

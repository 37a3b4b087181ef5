// Package history defines what "nothing acknowledged is lost" means, for load tests and chaos tests alike.
//
// A test records a history: every operation that a client requested, with the outcome that the client saw. When the
// platform has no work left, the test reads the platform's state, and [Check] reports everything in the state that the
// history does not allow. A history with unknown outcomes allows several states, as in the checkers of Jepsen
// (https://jepsen.io): a request without an answer may have been carried out, or may still be.
package history

import (
	"net/http"
	"slices"
	"sync"
)

// Action is what a client requested.
type Action string

// The actions that change what the platform stores.
const (
	SignUp       Action = "sign-up"
	Upload       Action = "upload"
	Publish      Action = "publish"
	Delete       Action = "delete"
	Vote         Action = "vote"
	WithdrawVote Action = "withdraw vote"
)

// Outcome is what the client knows about its request after the answer.
type Outcome string

// The outcomes.
const (
	Acknowledged Outcome = "acknowledged" // the platform has promised to keep the effect
	Refused      Outcome = "refused"      // the request has no effect
	Unknown      Outcome = "unknown"      // no answer, or an error of the server: the effect may be there, or come later
)

// OutcomeOf is the outcome that an HTTP status tells; 0 stands for no answer.
func OutcomeOf(status int) Outcome {
	switch {
	case status >= 200 && status < 300:
		return Acknowledged
	case status >= 400 && status < 500, status == http.StatusInsufficientStorage:
		return Refused
	default:
		return Unknown
	}
}

// Operation is one request of a client and its outcome.
type Operation struct {
	Action  Action
	Account string // the email of the account that made the request, or that was to be made
	Title   string // of the video, for Upload and Delete; no two uploads of a history share a title
	Content string // fingerprint of the uploaded file; "" if it is not to be compared
	VideoID int64  // 0 where the client does not know it
	Outcome Outcome

	// AlreadyDone is the reason of a refusal: the vote that was to be cast exists, or the vote that was to be withdrawn
	// does not.
	AlreadyDone bool
}

// Recorder collects the operations of concurrent clients. The operations of one account must be added in the order of
// their requests.
type Recorder struct {
	mu         sync.Mutex
	operations []Operation
}

// Add adds operations that have ended.
func (r *Recorder) Add(operations ...Operation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.operations = append(r.operations, operations...)
}

// Operations returns a copy of all operations so far.
func (r *Recorder) Operations() []Operation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.operations)
}

// CountByOutcome counts the operations by action and outcome.
func (r *Recorder) CountByOutcome() map[Action]map[Outcome]int {
	counts := map[Action]map[Outcome]int{}
	for _, o := range r.Operations() {
		if counts[o.Action] == nil {
			counts[o.Action] = map[Outcome]int{}
		}
		counts[o.Action][o.Outcome]++
	}
	return counts
}

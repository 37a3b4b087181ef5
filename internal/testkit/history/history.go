// Package history holds what a platform has after faults against what it has acknowledged to people meanwhile.
package history

import (
	"slices"
	"sync"
)

// Act is what somebody asked for.
type Act string

// The acts.
const (
	SignUp   Act = "sign-up"
	Upload   Act = "upload"
	Publish  Act = "publish"
	Delete   Act = "delete"
	Vote     Act = "vote"
	TakeBack Act = "take back"
)

// Outcome is what was answered.
type Outcome string

// The outcomes. Whoever got no answer, or that the platform was not available, does not know: it may have been done, or
// be done a moment later.
const (
	Acknowledged Outcome = "acknowledged"
	Refused      Outcome = "refused"
	Unknown      Outcome = "unknown"
)

// Operation is one act and its outcome.
type Operation struct {
	Act     Act
	Who     string // an email
	Title   string // of an upload or a deletion; no two videos' are alike
	VideoID int64  // 0 where it was not told
	Outcome Outcome
	// Held is of a refused vote, that the person has voted already; of a refused taking back, that there is no vote.
	Held bool
}

// History collects operations. One person's are added in the order in which they were asked for.
type History struct {
	mu   sync.Mutex
	list []Operation
}

// Add adds an operation that has ended.
func (h *History) Add(o Operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, o)
}

// Operations are those so far.
func (h *History) Operations() []Operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list)
}

// Count counts the operations by act and outcome.
func (h *History) Count() map[Act]map[Outcome]int {
	counts := map[Act]map[Outcome]int{}
	for _, o := range h.Operations() {
		if counts[o.Act] == nil {
			counts[o.Act] = map[Outcome]int{}
		}
		counts[o.Act][o.Outcome]++
	}
	return counts
}

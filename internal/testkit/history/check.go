package history

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Finding is one thing in the state that the history does not allow.
type Finding struct {
	Kind   string // such as "upload lost"; findings of a kind can be counted
	Detail string
}

// String is the finding in a line.
func (f Finding) String() string { return f.Kind + ": " + f.Detail }

// Rules are what differs between tests.
type Rules struct {
	// VideosMayFail is for tests that disturb the processing: a video may have failed, with a reason. Without it, every
	// uploaded video must be processed.
	VideosMayFail bool
}

// Check compares the state with the history and returns all findings, sorted. A platform that keeps its promises has
// none:
//   - An acknowledged account, upload or vote is stored exactly once; one that was refused or never requested is not
//     stored; after an unknown outcome both are allowed.
//   - No answer contradicts the answers before it: nothing is acknowledged twice.
//   - An upload belongs to the account that sent it, under the acknowledged id, with the content that was sent.
//   - Every video was processed by exactly one job, and is public if and only if its publication was acknowledged.
//   - The vote counters of videos and the ranking are the sums of the votes.
//   - Every object that a row names is in the storage, and no other object; no work file is left.
func Check(operations []Operation, state State, rules Rules) []Finding {
	c := &checker{State: state, rules: rules, operations: operations}
	c.checkAccounts()
	c.checkUploads()
	c.checkUploadedContent()
	c.checkProcessing()
	c.checkVotes()
	c.checkVoteCounters()
	c.checkObjects()
	slices.SortFunc(c.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Detail, b.Detail))
	})
	return c.findings
}

type checker struct {
	State
	rules      Rules
	operations []Operation
	findings   []Finding
}

func (c *checker) report(kind, format string, values ...any) {
	c.findings = append(c.findings, Finding{Kind: kind, Detail: fmt.Sprintf(format, values...)})
}

// operationsOf lists the operations with one of some actions, in their order.
func (c *checker) operationsOf(actions ...Action) (list []Operation) {
	for _, o := range c.operations {
		if slices.Contains(actions, o.Action) {
			list = append(list, o)
		}
	}
	return list
}

// comparePresence reports where the state has a thing more or less often than its operations allow.
func (c *checker) comparePresence(kind string, key any, allowed presence, stored int) {
	switch {
	case stored > 1:
		c.report(kind+" duplicated", "%v is stored %d times", key, stored)
	case stored == 0 && !allowed.mayBeAbsent:
		c.report(kind+" lost", "%v was acknowledged", key)
	case stored == 1 && !allowed.mayBePresent:
		c.report(kind+" unexpected", "%v was refused, removed or never requested", key)
	}
}

func (c *checker) checkAccounts() {
	requested, stored := map[string]presence{}, countBy(c.Accounts, func(email string) string { return email })
	for _, o := range c.operationsOf(SignUp) {
		after, contradiction := requested[o.Account].orAbsent().afterAdd(o)
		requested[o.Account] = after
		if contradiction != "" {
			c.report("account answer contradicts", "sign-up of %s: %s", o.Account, contradiction)
		}
	}
	for _, email := range keysOfBoth(requested, stored) {
		c.comparePresence("account", email, requested[email].orAbsent(), stored[email])
	}
}

// checkUploads compares the uploads, less the deleted ones, with the videos, by title.
func (c *checker) checkUploads() {
	requested, stored := map[string]presence{}, countBy(c.Videos, func(v Video) string { return v.Title })
	deleted := presenceOfEffect(c.operationsOf(Delete), func(o Operation) string { return o.Title })
	for _, o := range c.operationsOf(Upload) {
		after, contradiction := requested[o.Title].orAbsent().afterAdd(o)
		if contradiction != "" {
			c.report("upload answer contradicts", "%s: %s", o.Title, contradiction)
		}
		if d := deleted[o.Title]; o.Outcome == Acknowledged && d.mayBePresent {
			after = presence{mayBePresent: d.mayBeAbsent, mayBeAbsent: true}
		}
		requested[o.Title] = after
	}
	for _, title := range keysOfBoth(requested, stored) {
		c.comparePresence("upload", title, requested[title].orAbsent(), stored[title])
	}
}

// checkUploadedContent finds uploads that are stored under another id, for another account or with other bytes.
func (c *checker) checkUploadedContent() {
	stored := map[string]Video{}
	for _, v := range c.Videos {
		stored[v.Title] = v
	}
	for _, o := range c.operationsOf(Upload) {
		v, ok := stored[o.Title]
		if !ok || o.Outcome == Refused {
			continue // checkUploads reports what is missing or unexpected
		}
		if o.Outcome == Acknowledged && o.VideoID != 0 && v.ID != o.VideoID {
			c.report("upload under another id", "%s was acknowledged as video %d and is video %d", o.Title, o.VideoID, v.ID)
		}
		if v.Owner != o.Account {
			c.report("upload of another account", "video %d of %s belongs to %s", v.ID, o.Account, v.Owner)
		}
		if o.Content != "" && v.Content != o.Content {
			c.report("original changed", "video %d: sent %q, stored %q", v.ID, o.Content, v.Content)
		}
	}
}

// presenceOfEffect says for each key whether an operation that is requested once (a deletion, a publication) took effect.
func presenceOfEffect[K comparable](operations []Operation, key func(Operation) K) map[K]presence {
	effects := map[K]presence{}
	for _, o := range operations {
		switch p := effects[key(o)].orAbsent(); o.Outcome {
		case Acknowledged:
			effects[key(o)] = presence{mayBePresent: true}
		case Unknown:
			effects[key(o)] = presence{mayBePresent: true, mayBeAbsent: p.mayBeAbsent}
		case Refused:
		}
	}
	return effects
}

// checkProcessing finds videos that are not processed by one job, and those whose publication differs from the answer.
func (c *checker) checkProcessing() {
	published := presenceOfEffect(c.operationsOf(Publish), func(o Operation) int64 { return o.VideoID })
	for _, v := range c.Videos {
		jobs := 1
		switch v.Status {
		case "processed":
			if !published[v.ID].orAbsent().mayBeAbsent {
				c.report("publication lost", "video %d", v.ID)
			}
		case "public":
			if !published[v.ID].mayBePresent {
				c.report("publication unexpected", "video %d", v.ID)
			}
		case "failed":
			jobs = 0
			if !c.rules.VideosMayFail {
				c.report("video failed", "video %d: %s", v.ID, v.FailureReason)
			}
			if v.FailureReason == "" {
				c.report("failure without a reason", "video %d", v.ID)
			}
		default:
			c.report("video unfinished", "video %d is %s", v.ID, v.Status)
			continue
		}
		if v.CompletedJobs != jobs {
			c.report("video processed another number of times", "video %d is %s after %d completed jobs", v.ID, v.Status, v.CompletedJobs)
		}
		if v.OpenJobs > 0 {
			c.report("job left over", "video %d has %d", v.ID, v.OpenJobs)
		}
	}
}

func (c *checker) checkVotes() {
	requested, stored := map[VoteOf]presence{}, countBy(c.Votes, func(v VoteOf) VoteOf { return v })
	for _, o := range c.operationsOf(Vote, WithdrawVote) {
		vote := VoteOf{Voter: o.Account, VideoID: o.VideoID}
		step := presence.afterAdd
		if o.Action == WithdrawVote {
			step = presence.afterRemove
		}
		after, contradiction := step(requested[vote].orAbsent(), o)
		requested[vote] = after
		if contradiction != "" {
			c.report("vote answer contradicts", "%s, %s: %s", vote, o.Action, contradiction)
		}
	}
	for vote := range stored {
		if _, ok := requested[vote]; !ok {
			requested[vote] = presence{}
		}
	}
	for vote, allowed := range requested {
		c.comparePresence("vote", vote, allowed.orAbsent(), stored[vote])
	}
}

// String names the vote in findings.
func (v VoteOf) String() string { return fmt.Sprintf("%s for video %d", v.Voter, v.VideoID) }

// checkVoteCounters compares the counter of each video, and the ranking, with the votes.
func (c *checker) checkVoteCounters() {
	votes, ranking := countBy(c.Votes, func(v VoteOf) int64 { return v.VideoID }), map[string]int{}
	for _, v := range c.Videos {
		if v.Votes != votes[v.ID] {
			c.report("votes of a video miscounted", "video %d shows %d, has %d", v.ID, v.Votes, votes[v.ID])
		}
		if v.Status == "public" {
			ranking[v.Owner] += votes[v.ID]
		}
	}
	for _, player := range keysOfBoth(ranking, c.Ranking) {
		shown, listed := c.Ranking[player]
		want, public := ranking[player]
		if shown != want || listed != public {
			c.report("votes of a player miscounted", "%s: the ranking shows %d, the videos have %d", player, shown, want)
		}
	}
}

// checkObjects finds objects that a row names and the storage lacks, and files that no row names.
func (c *checker) checkObjects() {
	named := map[string]int{}
	for _, v := range c.Videos {
		for _, key := range v.Objects {
			named[key]++
		}
	}
	stored := countBy(c.Objects, func(key string) string { return key })
	for _, key := range keysOfBoth(named, stored) {
		switch {
		case stored[key] == 0:
			c.report("object lost", "%s is named by a row", key)
		case named[key] == 0:
			c.report("object left over", "%s is named by no row", key)
		}
	}
	for _, path := range c.WorkFiles {
		c.report("work file left over", "%s", path)
	}
}

func countBy[T any, K comparable](list []T, key func(T) K) map[K]int {
	counts := map[K]int{}
	for _, v := range list {
		counts[key(v)]++
	}
	return counts
}

// keysOfBoth lists the keys of two maps, each once.
func keysOfBoth[K cmp.Ordered, A, B any](a map[K]A, b map[K]B) []K {
	keys := slices.Collect(maps.Keys(a))
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	return keys
}

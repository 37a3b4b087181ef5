package history

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Video is a video as the platform has it in the end.
type Video struct {
	ID        int64
	Owner     string // an email
	Title     string
	Status    string
	Failure   string   // the reason, "" for none
	Votes     int      // its counter
	Open      int      // jobs that have not ended
	Completed int      // jobs that have done their work
	Objects   []string // keys that its row names
}

// Ballot is one vote that counts.
type Ballot struct {
	Voter   string
	VideoID int64
}

// State is what the platform has once nothing is on its way any more.
type State struct {
	People  []string // emails
	Videos  []Video
	Ballots []Ballot
	Ranking map[string]int // votes by the email of the player
	Objects []string       // keys in the storage
	Left    []string       // work files
}

// Check names everything in which the state is not what the history allows, in a fixed order.
func Check(operations []Operation, s State) []string {
	c := &checker{State: s, operations: operations}
	c.people()
	c.uploads()
	c.settled()
	c.ballots()
	c.counters()
	c.objects()
	slices.Sort(c.wrong)
	return c.wrong
}

type checker struct {
	State
	operations []Operation
	wrong      []string
}

func (c *checker) report(format string, values ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, values...))
}

// of lists the operations of some acts.
func (c *checker) of(acts ...Act) (list []Operation) {
	for _, o := range c.operations {
		if slices.Contains(acts, o.Act) {
			list = append(list, o)
		}
	}
	return list
}

// held reports what is there against what one thing's operations allow.
func (c *checker) held(what string, m maybe, there int) {
	switch {
	case there > 1:
		c.report("%s: there %d times", what, there)
	case there == 0 && !m.no:
		c.report("%s: acknowledged, and lost", what)
	case there == 1 && !m.yes:
		c.report("%s: there, and was refused or never asked for", what)
	}
}

func (c *checker) people() {
	asked, there := map[string]maybe{}, count(c.People, func(email string) string { return email })
	for _, o := range c.of(SignUp) {
		m, wrong := asked[o.Who].orNone().give(o)
		asked[o.Who] = m
		if wrong != "" {
			c.report("sign-up of %s: %s", o.Who, wrong)
		}
	}
	for _, email := range union(asked, there) {
		c.held("sign-up of "+email, asked[email].orNone(), there[email])
	}
}

func (c *checker) uploads() {
	asked, there := map[string]maybe{}, count(c.Videos, func(v Video) string { return v.Title })
	titles := map[int64]string{}
	for _, v := range c.Videos {
		titles[v.ID] = v.Title
	}
	gone := once(c.of(Delete), func(o Operation) string { return o.Title })
	for _, o := range c.of(Upload) {
		m, wrong := asked[o.Title].orNone().give(o)
		if wrong != "" {
			c.report("upload of %q: %s", o.Title, wrong)
		}
		if o.Outcome == Acknowledged {
			if got, ok := titles[o.VideoID]; ok && got != o.Title {
				c.report("upload of %q: video %d is %q", o.Title, o.VideoID, got)
			}
			if deleted := gone[o.Title]; deleted.yes {
				m = maybe{yes: deleted.no, no: true}
			}
		}
		asked[o.Title] = m
	}
	for _, title := range union(asked, there) {
		c.held(fmt.Sprintf("upload of %q", title), asked[title].orNone(), there[title])
	}
}

// once tells whether an act that is done once has been done to each thing.
func once[K comparable](operations []Operation, key func(Operation) K) map[K]maybe {
	done := map[K]maybe{}
	for _, o := range operations {
		switch m := done[key(o)].orNone(); o.Outcome {
		case Acknowledged:
			done[key(o)] = maybe{yes: true}
		case Unknown:
			done[key(o)] = maybe{yes: true, no: m.no}
		case Refused:
		}
	}
	return done
}

// settled finds each video processed by one job, or failed with a reason, and public if and only if it was published.
func (c *checker) settled() {
	published := once(c.of(Publish), func(o Operation) int64 { return o.VideoID })
	for _, v := range c.Videos {
		jobs := 1
		switch v.Status {
		case "processed", "public":
			m := published[v.ID].orNone()
			if public := v.Status == "public"; public && !m.yes || !public && !m.no {
				c.report("video %d: is %s, against what was answered", v.ID, v.Status)
			}
		case "failed":
			jobs = 0
			if v.Failure == "" {
				c.report("video %d: failed without a reason", v.ID)
			}
		default:
			c.report("video %d: is still %s", v.ID, v.Status)
			continue
		}
		if v.Completed != jobs {
			c.report("video %d: %d jobs have processed it", v.ID, v.Completed)
		}
		if v.Open > 0 {
			c.report("video %d: %d jobs are left", v.ID, v.Open)
		}
	}
}

func (c *checker) ballots() {
	asked, there := map[Ballot]maybe{}, count(c.Ballots, func(b Ballot) Ballot { return b })
	for _, o := range c.of(Vote, TakeBack) {
		b := Ballot{o.Who, o.VideoID}
		step := maybe.give
		if o.Act == TakeBack {
			step = maybe.take
		}
		m, wrong := step(asked[b].orNone(), o)
		asked[b] = m
		if wrong != "" {
			c.report("vote of %s for %d: %s: %s", o.Who, o.VideoID, o.Act, wrong)
		}
	}
	ballots := slices.Collect(maps.Keys(asked))
	for b := range there {
		if _, ok := asked[b]; !ok {
			ballots = append(ballots, b)
		}
	}
	for _, b := range ballots {
		c.held(fmt.Sprintf("vote of %s for %d", b.Voter, b.VideoID), asked[b].orNone(), there[b])
	}
}

// counters holds the counter of each video, and the ranking, against the votes.
func (c *checker) counters() {
	votes, ranking := count(c.Ballots, func(b Ballot) int64 { return b.VideoID }), map[string]int{}
	for _, v := range c.Videos {
		if v.Votes != votes[v.ID] {
			c.report("video %d: counts %d votes, has %d", v.ID, v.Votes, votes[v.ID])
		}
		if v.Status == "public" {
			ranking[v.Owner] += votes[v.ID]
		}
	}
	for _, player := range union(ranking, c.Ranking) {
		got, listed := c.Ranking[player]
		want, public := ranking[player]
		if got != want || listed != public {
			c.report("ranking of %s: %d votes, has %d", player, got, want)
		}
	}
}

// objects finds every object of a video, and no other.
func (c *checker) objects() {
	named := map[string]int{}
	for _, v := range c.Videos {
		for _, key := range v.Objects {
			named[key]++
		}
	}
	there := count(c.Objects, func(key string) string { return key })
	for _, key := range union(named, there) {
		switch {
		case there[key] == 0:
			c.report("object %s: is named by a row, and not there", key)
		case named[key] == 0:
			c.report("object %s: is there, and named by no row", key)
		}
	}
	for _, path := range c.Left {
		c.report("work file %s: was left", path)
	}
}

func count[T any, K comparable](list []T, key func(T) K) map[K]int {
	counts := map[K]int{}
	for _, v := range list {
		counts[key(v)]++
	}
	return counts
}

// union lists the keys of both.
func union[K cmp.Ordered, A, B any](a map[K]A, b map[K]B) []K {
	keys := slices.Collect(maps.Keys(a))
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	return keys
}

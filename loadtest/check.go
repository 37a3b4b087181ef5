package main

import (
	"fmt"
	"maps"
	"slices"
)

// kept is what the platform has of a video after a run.
type kept struct {
	Player   string // the email of whose it is
	Status   string
	Size     int64  // bytes of the original in storage, -1 if it is not there
	Mark     string // how the original ends
	Rendered bool   // clip and poster are in storage
	Votes    int    // as the video's row counts them
}

// ballot is one person's vote for one video.
type ballot struct {
	Voter string // email
	Video int64
}

// truth is what database and storage hold after a run, when the workers are done.
type truth struct {
	Videos    map[int64]kept
	Votes     map[ballot]bool
	Standings map[string]int // votes by the player's email, as the ranking counts them
}

// finding is a kind of failure and how often it was found, with one example.
type finding struct {
	Kind    string `json:"kind"`
	Count   int    `json:"count"`
	Example string `json:"example"`
}

// findings collects failures by kind.
type findings map[string]*finding

func (f findings) add(kind, format string, args ...any) {
	if f[kind] == nil {
		f[kind] = &finding{Kind: kind, Example: fmt.Sprintf(format, args...)}
	}
	f[kind].Count++
}

func (f findings) list() []finding {
	list := []finding{}
	for _, kind := range slices.Sorted(maps.Keys(f)) {
		list = append(list, *f[kind])
	}
	return list
}

// checkHistory holds what was acknowledged against what is there. Everything that it finds fails the run: an acknowledged
// upload or vote that is missing, changed or unfinished, one that was acknowledged twice, and counts that do not agree.
func checkHistory(journal []entry, now truth) []finding {
	found := findings{}
	uploads, votes := map[int64]bool{}, map[ballot]bool{}
	asked := map[ballot]bool{} // whoever may have voted, acknowledged or not
	for _, e := range journal {
		b := ballot{e.Player, e.Video}
		if e.Call == voteCall {
			asked[b] = true
		}
		switch {
		case !e.acknowledged():
		case e.Call == uploadCall:
			if uploads[e.Video] {
				found.add("upload acknowledged twice", "video %d", e.Video)
			}
			uploads[e.Video] = true
			checkUpload(found, e, now)
		default:
			if votes[b] {
				found.add("vote acknowledged twice", "%s for video %d", b.Voter, b.Video)
			}
			votes[b] = true
			if !now.Votes[b] {
				found.add("vote lost", "%s for video %d", b.Voter, b.Video)
			}
		}
	}
	for b := range now.Votes {
		if !asked[b] {
			found.add("vote that nobody gave", "%s for video %d", b.Voter, b.Video)
		}
	}
	checkCounts(found, now)
	return found.list()
}

// checkUpload looks for what an acknowledged upload has become.
func checkUpload(found findings, e entry, now truth) {
	v, ok := now.Videos[e.Video]
	switch {
	case !ok:
		found.add("upload lost", "video %d of %s", e.Video, e.Player)
		return
	case v.Player != e.Player:
		found.add("upload of another", "video %d of %s belongs to %s", e.Video, e.Player, v.Player)
	case v.Size < 0:
		found.add("original lost", "video %d", e.Video)
	case v.Size != e.Size || v.Mark != e.Mark:
		found.add("original changed", "video %d has %d bytes, %d were sent", e.Video, v.Size, e.Size)
	}
	switch {
	case v.Status != "processed" && v.Status != "public":
		found.add("upload not processed", "video %d is %s", e.Video, v.Status)
	case !v.Rendered:
		found.add("clip lost", "video %d is %s without clip or poster", e.Video, v.Status)
	}
}

// checkCounts compares the votes with what is counted of them.
func checkCounts(found findings, now truth) {
	byVideo, byPlayer := map[int64]int{}, map[string]int{}
	for b := range now.Votes {
		byVideo[b.Video]++
		byPlayer[now.Videos[b.Video].Player]++
	}
	for id, v := range now.Videos {
		if v.Votes != byVideo[id] {
			found.add("votes of a video miscounted", "video %d shows %d, has %d", id, v.Votes, byVideo[id])
		}
	}
	for player, votes := range now.Standings {
		if votes != byPlayer[player] {
			found.add("votes of a player miscounted", "%s shows %d, has %d", player, votes, byPlayer[player])
		}
	}
}

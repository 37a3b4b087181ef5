// Package contest is the rulebook of the ANB Rising Stars Showcase: players, their videos, the public's votes and
// the ranking that follows from them.
//
// It knows no technology. What it needs of a database, of storage or of FFmpeg it asks for through the small
// interfaces in this package, and whoever wires the program hands them in.
package contest

import (
	"context"
	"time"
)

// Clock tells the time. The program hands in [time.Now]; tests hand in what they need.
type Clock func() time.Time

// currentTime is the clock's time as the contest keeps it: UTC, in whole microseconds, which every database keeps exactly.
func (c Clock) currentTime() time.Time { return c().UTC().Truncate(time.Microsecond) }

// Live is told what has changed, after it was committed. Telling never fails: whoever watches may miss something and
// must be able to read the truth from the store.
type Live interface {
	// PublishEvent sends a video's state to those who watch it.
	PublishEvent(ctx context.Context, e Event)
	// InvalidateCache drops the cached answers of a topic.
	InvalidateCache(ctx context.Context, topic Topic)
}

// Topic is a group of cached answers that become stale together.
type Topic string

const (
	// VotesChanged makes everything stale that shows counts of votes: the rankings and the public lists.
	VotesChanged Topic = "votes"
	// VideosChanged makes stale what depends on which videos are public.
	VideosChanged Topic = "videos"
)

// Event is the state of one video at one moment.
type Event struct {
	VideoID  int64
	Status   Status
	Progress int     // per cent, 0 to 100
	Failure  Failure // why, where Status is Failed
	Deleted  bool    // the video is gone; Status no longer counts
}

// Page names a slice of a list. Number counts from 1.
type Page struct {
	Number int
	Limit  int // rows to a page
}

// Offset is how many rows stand before the page.
func (p Page) Offset() int { return (p.Number - 1) * p.Limit }

// Largest values of a page; the last row that can be asked for stays far inside 32 bits.
const (
	MaxPage  = 10_000_000
	MaxLimit = 100
)

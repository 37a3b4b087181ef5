// Package contest is the rulebook of the ANB Rising Stars Showcase: players, their videos, the public's votes and
// the ranking that follows from them.
//
// It knows no technology. It reaches the database, the storage and FFmpeg through the small interfaces in this package;
// package app passes their implementations in.
package contest

import (
	"context"
	"time"
)

// Clock tells the time. The program hands in [time.Now]; tests hand in what they need.
type Clock func() time.Time

// currentTime is the clock's time as the contest keeps it: UTC, in whole microseconds, which every database keeps exactly.
func (c Clock) currentTime() time.Time { return c().UTC().Truncate(time.Microsecond) }

// Live hears of changes after their commit. Its methods never fail, and subscribers may miss events: the store is the
// source of truth, and every reader must be able to ask it.
type Live interface {
	// PublishEvent sends a video's state to its subscribers.
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

package api

import (
	"context"
	"errors"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"risingstars/internal/contest"
)

const (
	knownMedia    = 4096
	knownMediaFor = 10 * time.Minute // as long as cached lists that link to the media are served
)

// openMedia is a cache of public objects, used while the database is unavailable.
type openMedia struct {
	kept *lru.Cache[string, openObject]
}

type openObject struct {
	video contest.Video
	part  contest.Part
	at    time.Time
}

func newOpenMedia() openMedia {
	kept, err := lru.New[string, openObject](knownMedia)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return openMedia{kept}
}

// byKey finds the video and the part of a media key. While the database is unavailable, it finds the public objects
// that were requested during the last knownMediaFor.
func (a *API) byKey(ctx context.Context, key string) (contest.Video, contest.Part, error) {
	v, part, err := a.Videos.VideoByMediaKey(ctx, key)
	if err == nil && v.IsOpenToPublic(part) {
		a.open.kept.Add(key, openObject{v, part, time.Now()})
	}
	if err == nil && !v.IsOpenToPublic(part) {
		a.open.kept.Remove(key) // the video was hidden after it was cached
	}
	if errors.Is(err, contest.ErrUnavailable) {
		if known, ok := a.open.kept.Get(key); ok && time.Since(known.at) < knownMediaFor {
			return known.video, known.part, nil
		}
	}
	return v, part, err
}

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
	knownMediaFor = 10 * time.Minute // as long as the lists are shown that lead there
)

// openMedia remembers the objects that everybody may have, for when the database is away.
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

// byKey finds the video and the part that a key names. While the database is away, it knows what was open to all and asked
// for in the last minutes.
func (a *API) byKey(ctx context.Context, key string) (contest.Video, contest.Part, error) {
	v, part, err := a.Videos.VideoByMediaKey(ctx, key)
	if err == nil && v.IsOpenToPublic(part) {
		a.open.kept.Add(key, openObject{v, part, time.Now()})
	}
	if err == nil && !v.IsOpenToPublic(part) {
		a.open.kept.Remove(key) // hidden meanwhile
	}
	if errors.Is(err, contest.ErrUnavailable) {
		if known, ok := a.open.kept.Get(key); ok && time.Since(known.at) < knownMediaFor {
			return known.video, known.part, nil
		}
	}
	return v, part, err
}

package contest

import (
	"context"
	"strings"
	"time"
)

// PublicQuery asks for a page of the public videos. The page is 1 or more, the limit 1 to MaxLimit.
type PublicQuery struct {
	Page   Page
	City   string // whole name, whatever case and accents; "" for all
	Search string // part of a title or of a player's name, whatever case and accents; "" for all

	MostVoted bool  // first, instead of the newest
	PlayerID  int64 // the owner; 0 for all
}

// PublicVideo is a public video with all that the public sees of it.
type PublicVideo struct {
	ID         int64
	Title      string
	OwnerID    int64
	OwnerName  string
	OwnerCity  string
	Votes      int
	Media      Media
	UploadedAt time.Time
}

// PublicVideos lists a page of what the public may see, newest first unless the query says otherwise.
func (s *Videos) PublicVideos(ctx context.Context, q PublicQuery) ([]PublicVideo, error) {
	return s.Store.PublicVideos(ctx, q.withoutSpaces())
}

// CountPublicVideos counts the videos on all pages of the query together.
func (s *Videos) CountPublicVideos(ctx context.Context, q PublicQuery) (int, error) {
	return s.Store.CountPublicVideos(ctx, q.withoutSpaces())
}

func (q PublicQuery) withoutSpaces() PublicQuery {
	q.City, q.Search = strings.TrimSpace(q.City), strings.TrimSpace(q.Search)
	return q
}

// PublicVideo returns a public video, or ErrNoVideo.
func (s *Videos) PublicVideo(ctx context.Context, id int64) (Video, error) {
	v, err := s.Store.VideoByID(ctx, id)
	if err == nil && v.Status != Public {
		return Video{}, ErrNoVideo
	}
	return v, err
}

// VideoByMediaKey finds the video that an object in storage belongs to, and which part of it the object is. It returns
// ErrNoVideo for every key that is not, or no longer, a video's.
func (s *Videos) VideoByMediaKey(ctx context.Context, key string) (Video, Part, error) {
	token := TokenFromKey(key)
	if token == "" {
		return Video{}, NoPart, ErrNoVideo
	}
	v, err := s.Store.VideoByToken(ctx, token)
	if err != nil {
		return Video{}, NoPart, err
	}
	part := v.Media.PartOfKey(key)
	if part == NoPart {
		return Video{}, NoPart, ErrNoVideo
	}
	return v, part, nil
}

// IsOpenToPublic reports whether the part may be served without a signature: the rendition and the poster of a public
// video. Everything else needs a signed link, which only the owner is given.
func (v Video) IsOpenToPublic(p Part) bool {
	return v.Status == Public && (p == RenditionPart || p == PosterPart)
}

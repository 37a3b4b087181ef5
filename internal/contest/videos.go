package contest

import (
	"context"
	"fmt"
	"time"
)

// cleanUpTimeout bounds the removal of objects after the request that caused it is over.
const cleanUpTimeout = 10 * time.Second

// VideoStore keeps the videos. Each method is one transaction.
type VideoStore interface {
	// AddVideo gives the video its id and commits its row together with the job that processes it. It returns ErrNoRoom
	// like Room, whatever races, or ErrAccountShut.
	AddVideo(ctx context.Context, v Video) (Video, error)
	// AddVideoFrom is AddVideo for the file of a partial upload, which thereby becomes the video, in the same transaction. It
	// returns ErrNoVideo if that upload is not, or no longer, under way.
	AddVideoFrom(ctx context.Context, v Video, partialID string) (Video, error)
	// Room returns ErrNoRoom if the player's originals that are not public, the uploads that are under way and so many
	// bytes more are more than a player may have.
	Room(ctx context.Context, playerID, bytes int64, now time.Time) error
	// Video returns ErrNoVideo if there is none.
	Video(ctx context.Context, id int64) (Video, error)
	// VideosOf lists a player's videos, newest first.
	VideosOf(ctx context.Context, playerID int64) ([]Video, error)
	// Publish makes a processed video public and puts its player into the ranking. By now the video may be gone (ErrNoVideo),
	// hidden (ErrHidden) or in another state (ErrNotProcessed, unless it is public already), or its player's account shut
	// (ErrAccountShut).
	Publish(ctx context.Context, id int64, at time.Time) (Video, error)
	// Requeue sends a failed video through processing again, row and job in one. It returns ErrNotFailed if it is in
	// another state by now.
	Requeue(ctx context.Context, id int64) (Video, error)
	// RequeueForOrganizer is Requeue with a line in the audit log.
	RequeueForOrganizer(ctx context.Context, id int64, at time.Time) (Video, error)
	// DeleteVideo removes the row. It returns ErrPublic, ErrHidden or ErrNoVideo if the video is public, hidden or gone by now.
	DeleteVideo(ctx context.Context, id int64) error
	// PublicVideos lists what the public may see, newest first.
	PublicVideos(ctx context.Context, q PublicQuery) ([]PublicVideo, error)
	// CountPublic counts all videos that the query would list on its pages together.
	CountPublic(ctx context.Context, q PublicQuery) (int, error)
	// VideoByToken finds the video to which an object belongs. It returns ErrNoVideo if there is none.
	VideoByToken(ctx context.Context, token string) (Video, error)
	// MediaOf returns the media of those videos that have one of the tokens.
	MediaOf(ctx context.Context, tokens []string) ([]Media, error)
}

// Storage keeps objects by key.
type Storage interface {
	// PutFile moves the file at path under the key; when it returns, the object is durable.
	PutFile(ctx context.Context, key, path string) error
	// Delete removes one object. If there is none, that is no error.
	Delete(ctx context.Context, key string) error
	// Walk calls fn for every object whose key begins with the prefix, in no particular order.
	Walk(ctx context.Context, prefix string, fn func(Object) error) error
	// DeletePrefix removes all objects whose keys begin so. Nothing there is no error.
	DeletePrefix(ctx context.Context, prefix string) error
}

// Inspector judges a file before it is accepted.
type Inspector interface {
	// Inspect returns the file's container, or one of the refusals about files.
	Inspect(ctx context.Context, path string) (Format, error)
}

// Videos takes players' videos from upload to the public.
type Videos struct {
	Store     VideoStore
	Storage   Storage
	Inspector Inspector
	Live      Live
	Clock     Clock
}

// Own returns one of the player's own videos, or ErrNoVideo, or ErrNotOwner.
func (s *Videos) Own(ctx context.Context, p Player, id int64) (Video, error) {
	v, err := s.Store.Video(ctx, id)
	if err != nil {
		return Video{}, err
	}
	return v, v.OwnedBy(p)
}

// Room returns ErrNoRoom if an upload of so many bytes would be refused for what the player has already, so that nobody
// sends it in vain.
func (s *Videos) Room(ctx context.Context, p Player, bytes int64) error {
	return s.Store.Room(ctx, p.ID, bytes, s.Clock.now())
}

// AllOf lists the player's videos, newest first.
func (s *Videos) AllOf(ctx context.Context, p Player) ([]Video, error) {
	return s.Store.VideosOf(ctx, p.ID)
}

// Publish makes a processed video public. Its player cannot take that back, only organizers can hide it. Doing it twice is the
// same as once. It returns ErrNoVideo, ErrNotOwner, ErrHidden, ErrNotProcessed or ErrAccountShut.
func (s *Videos) Publish(ctx context.Context, p Player, id int64) (Video, error) {
	v, err := s.Own(ctx, p, id)
	if err != nil {
		return Video{}, err
	}
	if err := v.CanPublish(); err != nil {
		return Video{}, err
	}
	v, err = s.Store.Publish(ctx, id, s.Clock.now())
	if err != nil {
		return Video{}, fmt.Errorf("publish: %w", err)
	}
	s.Live.Forget(ctx, VideosChanged)
	s.Live.Forget(ctx, VotesChanged)
	s.announce(ctx, v, 100)
	return v, nil
}

// Retry queues a failed video again.
func (s *Videos) Retry(ctx context.Context, p Player, id int64) (Video, error) {
	v, err := s.Own(ctx, p, id)
	if err != nil {
		return Video{}, err
	}
	if err := v.CanRetry(); err != nil {
		return Video{}, err
	}
	return s.queued(ctx)(s.Store.Requeue(ctx, id))
}

// RetryAny queues a failed video again for an organizer, whoever owns it.
func (s *Videos) RetryAny(ctx context.Context, id int64) (Video, error) {
	return s.queued(ctx)(s.Store.RequeueForOrganizer(ctx, id, s.Clock.now()))
}

func (s *Videos) queued(ctx context.Context) func(Video, error) (Video, error) {
	return func(v Video, err error) (Video, error) {
		if err != nil {
			return Video{}, fmt.Errorf("queue again: %w", err)
		}
		s.announce(ctx, v, 0)
		return v, nil
	}
}

// Delete removes a video that is not public: row, original, clip and poster. A run of processing that is under way
// ends.
func (s *Videos) Delete(ctx context.Context, p Player, id int64) error {
	v, err := s.Own(ctx, p, id)
	if err != nil {
		return err
	}
	if err := v.CanDelete(); err != nil {
		return err
	}
	if err := s.Store.DeleteVideo(ctx, id); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	// From here on the video is gone, whoever hangs up; objects that stay are swept later.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	s.Live.Announce(ctx, Event{VideoID: id, Deleted: true})
	if err := s.Storage.DeletePrefix(ctx, v.Media.Prefix()); err != nil {
		return fmt.Errorf("remove the video's objects: %w", err)
	}
	return nil
}

func (s *Videos) announce(ctx context.Context, v Video, progress int) {
	s.Live.Announce(context.WithoutCancel(ctx), Event{VideoID: v.ID, Status: v.Status, Progress: progress, Failure: v.Failure})
}

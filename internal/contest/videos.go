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
	// AddVideo gives the video its id and commits its row together with the job that processes it. It returns ErrQuotaExceeded
	// like Room, whatever races, or ErrAccountSuspended.
	AddVideo(ctx context.Context, v Video) (Video, error)
	// AddVideoFromPartialUpload is AddVideo for the file of a partial upload, which thereby becomes the video, in the same transaction. It
	// returns ErrNoVideo if that upload is not, or no longer, under way.
	AddVideoFromPartialUpload(ctx context.Context, v Video, partialID string) (Video, error)
	// CheckQuota returns ErrQuotaExceeded if the player's non-public originals, the unfinished uploads and the given number
	// of bytes together exceed the player's quota.
	CheckQuota(ctx context.Context, playerID, bytes int64, now time.Time) error
	// VideoByID returns ErrNoVideo if there is none.
	VideoByID(ctx context.Context, id int64) (Video, error)
	// VideosOfPlayer lists a player's videos, newest first.
	VideosOfPlayer(ctx context.Context, playerID int64) ([]Video, error)
	// PublishVideo makes a processed video public and puts its player into the ranking. By now the video may be gone (ErrNoVideo),
	// hidden (ErrHidden) or in another state (ErrNotProcessed, unless it is public already), or its player's account shut
	// (ErrAccountSuspended).
	PublishVideo(ctx context.Context, id int64, at time.Time) (Video, error)
	// RequeueVideo sends a failed video through processing again, row and job in one. It returns ErrNotFailed if it is in
	// another state by now.
	RequeueVideo(ctx context.Context, id int64) (Video, error)
	// RequeueVideoForOrganizer is Requeue with a line in the audit log.
	RequeueVideoForOrganizer(ctx context.Context, id int64, at time.Time) (Video, error)
	// DeleteVideo removes the row. It returns ErrPublic, ErrHidden or ErrNoVideo if the video is public, hidden or gone by now.
	DeleteVideo(ctx context.Context, id int64) error
	// PublicVideos lists what the public may see, newest first.
	PublicVideos(ctx context.Context, q PublicQuery) ([]PublicVideo, error)
	// CountPublicVideos counts all videos that the query would list on its pages together.
	CountPublicVideos(ctx context.Context, q PublicQuery) (int, error)
	// VideoByToken finds the video to which an object belongs. It returns ErrNoVideo if there is none.
	VideoByToken(ctx context.Context, token string) (Video, error)
	// MediaByTokens returns the media of those videos that have one of the tokens.
	MediaByTokens(ctx context.Context, tokens []string) ([]Media, error)
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

// Inspector checks a file before it is accepted.
type Inspector interface {
	// InspectFile returns the file's container, or one of the refusals about files.
	InspectFile(ctx context.Context, path string) (Format, error)
}

// Videos takes players' videos from upload to the public.
type Videos struct {
	Store     VideoStore
	Storage   Storage
	Inspector Inspector
	Live      Live
	Clock     Clock
}

// OwnVideo returns one of the player's own videos, or ErrNoVideo, or ErrNotOwner.
func (s *Videos) OwnVideo(ctx context.Context, p Player, id int64) (Video, error) {
	v, err := s.Store.VideoByID(ctx, id)
	if err != nil {
		return Video{}, err
	}
	return v, v.CheckOwner(p)
}

// CheckQuota returns ErrQuotaExceeded if an upload of this size would exceed the player's quota. Clients call it before they
// send the file.
func (s *Videos) CheckQuota(ctx context.Context, p Player, bytes int64) error {
	return s.Store.CheckQuota(ctx, p.ID, bytes, s.Clock.currentTime())
}

// VideosOfPlayer lists the player's videos, newest first.
func (s *Videos) VideosOfPlayer(ctx context.Context, p Player) ([]Video, error) {
	return s.Store.VideosOfPlayer(ctx, p.ID)
}

// PublishVideo makes a processed video public. Its player cannot take that back, only organizers can hide it. Doing it twice is the
// same as once. It returns ErrNoVideo, ErrNotOwner, ErrHidden, ErrNotProcessed or ErrAccountSuspended.
func (s *Videos) PublishVideo(ctx context.Context, p Player, id int64) (Video, error) {
	v, err := s.OwnVideo(ctx, p, id)
	if err != nil {
		return Video{}, err
	}
	if err := v.CanPublish(); err != nil {
		return Video{}, err
	}
	v, err = s.Store.PublishVideo(ctx, id, s.Clock.currentTime())
	if err != nil {
		return Video{}, fmt.Errorf("publish: %w", err)
	}
	s.Live.InvalidateCache(ctx, VideosChanged)
	s.Live.InvalidateCache(ctx, VotesChanged)
	s.publishEvent(ctx, v, 100)
	return v, nil
}

// RetryVideo queues a failed video again.
func (s *Videos) RetryVideo(ctx context.Context, p Player, id int64) (Video, error) {
	v, err := s.OwnVideo(ctx, p, id)
	if err != nil {
		return Video{}, err
	}
	if err := v.CanRetry(); err != nil {
		return Video{}, err
	}
	return s.afterRequeue(ctx)(s.Store.RequeueVideo(ctx, id))
}

// RetryVideoForOrganizer queues any player's failed video again and records it in the audit log.
func (s *Videos) RetryVideoForOrganizer(ctx context.Context, id int64) (Video, error) {
	return s.afterRequeue(ctx)(s.Store.RequeueVideoForOrganizer(ctx, id, s.Clock.currentTime()))
}

func (s *Videos) afterRequeue(ctx context.Context) func(Video, error) (Video, error) {
	return func(v Video, err error) (Video, error) {
		if err != nil {
			return Video{}, fmt.Errorf("queue again: %w", err)
		}
		s.publishEvent(ctx, v, 0)
		return v, nil
	}
}

// DeleteVideo removes a video that is not public: row, original, clip and poster. A run of processing that is under way
// ends.
func (s *Videos) DeleteVideo(ctx context.Context, p Player, id int64) error {
	v, err := s.OwnVideo(ctx, p, id)
	if err != nil {
		return err
	}
	if err := v.CanDelete(); err != nil {
		return err
	}
	if err := s.Store.DeleteVideo(ctx, id); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	// The video is deleted now, even if the client disconnects. The sweep removes objects that cannot be removed here.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	s.Live.PublishEvent(ctx, Event{VideoID: id, Deleted: true})
	if err := s.Storage.DeletePrefix(ctx, v.Media.KeyPrefix()); err != nil {
		return fmt.Errorf("remove the video's objects: %w", err)
	}
	return nil
}

func (s *Videos) publishEvent(ctx context.Context, v Video, progress int) {
	s.Live.PublishEvent(context.WithoutCancel(ctx), Event{VideoID: v.ID, Status: v.Status, Progress: progress, Failure: v.Failure})
}

package contest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
)

func TestOnlyTheOwnerReachesAVideo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, other := w.player(t, "ana", ""), w.player(t, "beto", "")
	v := w.upload(t, owner, "Clavada")
	calls := map[string]func(contest.Player, int64) error{
		"own": func(p contest.Player, id int64) error { _, err := w.videos.OwnVideo(t.Context(), p, id); return err },
		"publish": func(p contest.Player, id int64) error {
			_, err := w.videos.PublishVideo(t.Context(), p, id)
			return err
		},
		"retry":  func(p contest.Player, id int64) error { _, err := w.videos.RetryVideo(t.Context(), p, id); return err },
		"delete": func(p contest.Player, id int64) error { return w.videos.DeleteVideo(t.Context(), p, id) },
	}
	for name, call := range calls {
		if err := call(other, v.ID); !errors.Is(err, contest.ErrNotOwner) {
			t.Errorf("%s, another player's: got %v, want %v", name, err, contest.ErrNotOwner)
		}
		if err := call(owner, v.ID+1); !errors.Is(err, contest.ErrNoVideo) {
			t.Errorf("%s, not there: got %v, want %v", name, err, contest.ErrNoVideo)
		}
	}
	got, err := w.videos.OwnVideo(t.Context(), owner, v.ID)
	check(t, err)
	if diff := cmp.Diff(v, got); diff != "" {
		t.Errorf("own (-want +got):\n%s", diff)
	}
}

func TestAllOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana, beto := w.player(t, "ana", ""), w.player(t, "beto", "")
	first := w.upload(t, ana, "1")
	same := w.upload(t, ana, "2")
	w.upload(t, beto, "3")
	w.clock.advance(time.Second)
	last := w.upload(t, ana, "4")

	got, err := w.videos.VideosOfPlayer(t.Context(), ana)
	check(t, err)

	if diff := cmp.Diff([]contest.Video{last, same, first}, got); diff != "" {
		t.Errorf("videos, newest first (-want +got):\n%s", diff)
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.player(t, "ana", "")
	v := w.process(t, w.upload(t, p, "Clavada"))
	w.clock.advance(time.Minute)
	w.remember(t)
	watch := w.live.Watch(t.Context(), v.ID)
	defer watch.Close()

	got, err := w.videos.PublishVideo(t.Context(), p, v.ID)
	check(t, err)

	want := v
	want.Status, want.PublishedAt = contest.Public, start.Add(time.Minute)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("video (-want +got):\n%s", diff)
	}
	if !w.stale(t, contest.VotesChanged) || !w.stale(t, contest.VideosChanged) {
		t.Error("cached lists do not notice")
	}
	if diff := cmp.Diff(contest.Event{VideoID: v.ID, Status: contest.Public, Progress: 100}, news(watch)); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}

	w.clock.advance(time.Minute)
	again, err := w.videos.PublishVideo(t.Context(), p, v.ID)
	check(t, err)
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("published twice (-once +twice):\n%s", diff)
	}
}

func TestPublishTooEarly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.player(t, "ana", "")
	uploaded, failed := w.upload(t, p, "1"), w.fail(t, w.upload(t, p, "2"))
	for _, v := range []contest.Video{uploaded, failed} {
		if _, err := w.videos.PublishVideo(t.Context(), p, v.ID); !errors.Is(err, contest.ErrNotProcessed) {
			t.Errorf("%s: got %v, want %v", v.Status, err, contest.ErrNotProcessed)
		}
	}
	if n := w.rows(t, "standings"); n != 0 {
		t.Errorf("%d players are ranked", n)
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	calls := map[string]func(*world, contest.Player, int64) (contest.Video, error){
		"by the player": func(w *world, p contest.Player, id int64) (contest.Video, error) {
			return w.videos.RetryVideo(context.Background(), p, id)
		},
		"by an organizer": func(w *world, _ contest.Player, id int64) (contest.Video, error) {
			return w.videos.RetryVideoForOrganizer(context.Background(), id)
		},
	}
	for name, retry := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.player(t, "ana", "")
			v := w.fail(t, w.upload(t, p, "Clavada"))
			watch := w.live.Watch(t.Context(), v.ID)
			defer watch.Close()

			got, err := retry(w, p, v.ID)
			check(t, err)

			want := v
			want.Status, want.Failure, want.TaskID = contest.Uploaded, contest.NoFailure, "2"
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("video (-want +got):\n%s", diff)
			}
			if n := w.rows(t, "river_job"); n != 2 {
				t.Errorf("%d jobs are there", n)
			}
			if diff := cmp.Diff(contest.Event{VideoID: v.ID, Status: contest.Uploaded}, news(watch)); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}

			if _, err := retry(w, p, v.ID); !errors.Is(err, contest.ErrNotFailed) {
				t.Errorf("again: got %v, want %v", err, contest.ErrNotFailed)
			}
		})
	}
}

func TestRetryAnyOfNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.videos.RetryVideoForOrganizer(t.Context(), 7); !errors.Is(err, contest.ErrNoVideo) {
		t.Errorf("got %v, want %v", err, contest.ErrNoVideo)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	stages := map[string]func(*testing.T, *world, contest.Video) contest.Video{
		"uploaded":  func(_ *testing.T, _ *world, v contest.Video) contest.Video { return v },
		"processed": func(t *testing.T, w *world, v contest.Video) contest.Video { t.Helper(); return w.process(t, v) },
		"failed":    func(t *testing.T, w *world, v contest.Video) contest.Video { t.Helper(); return w.fail(t, v) },
	}
	for name, stage := range stages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.player(t, "ana", "")
			kept := w.process(t, w.upload(t, p, "kept"))
			objects := w.objects(t)
			v := stage(t, w, w.upload(t, p, "Clavada"))
			watch := w.live.Watch(t.Context(), v.ID)
			defer watch.Close()

			check(t, w.videos.DeleteVideo(t.Context(), p, v.ID))

			if diff := cmp.Diff(objects, w.objects(t)); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			if _, err := w.videos.OwnVideo(t.Context(), p, v.ID); !errors.Is(err, contest.ErrNoVideo) {
				t.Errorf("it is there still: %v", err)
			}
			if _, err := w.videos.OwnVideo(t.Context(), p, kept.ID); err != nil {
				t.Errorf("another video: %v", err)
			}
			if diff := cmp.Diff(contest.Event{VideoID: v.ID, Deleted: true}, news(watch)); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			if err := w.videos.DeleteVideo(t.Context(), p, v.ID); !errors.Is(err, contest.ErrNoVideo) {
				t.Errorf("again: got %v, want %v", err, contest.ErrNoVideo)
			}
		})
	}
}

func TestDeleteOfAPublicVideoIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.player(t, "ana", "")
	v := w.publish(t, p, "Clavada")
	objects := w.objects(t)

	err := w.videos.DeleteVideo(t.Context(), p, v.ID)

	if !errors.Is(err, contest.ErrPublic) {
		t.Errorf("got %v, want %v", err, contest.ErrPublic)
	}
	if diff := cmp.Diff(objects, w.objects(t)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// late is a store in which something happens to a video right after it was looked at.
type late struct {
	contest.VideoStore
	then func()
}

func (l late) VideoByID(ctx context.Context, id int64) (contest.Video, error) {
	v, err := l.VideoStore.VideoByID(ctx, id)
	l.then()
	return v, err
}

func TestDeleteThatLosesToPublish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.player(t, "ana", "")
	v := w.process(t, w.upload(t, p, "Clavada"))
	objects := w.objects(t)
	w.videos.Store = late{w.store, func() {
		_, err := w.store.PublishVideo(t.Context(), v.ID, start)
		check(t, err)
	}}

	err := w.videos.DeleteVideo(t.Context(), p, v.ID)

	if !errors.Is(err, contest.ErrPublic) {
		t.Errorf("got %v, want %v", err, contest.ErrPublic)
	}
	if diff := cmp.Diff(objects, w.objects(t)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func TestPublishThatLosesToDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.player(t, "ana", "")
	v := w.process(t, w.upload(t, p, "Clavada"))
	w.videos.Store = late{w.store, func() { check(t, w.store.DeleteVideo(t.Context(), v.ID)) }}

	_, err := w.videos.PublishVideo(t.Context(), p, v.ID)

	if !errors.Is(err, contest.ErrNoVideo) {
		t.Errorf("got %v, want %v", err, contest.ErrNoVideo)
	}
}

// stuck is a storage from which nothing can be removed.
type stuck struct{ contest.Storage }

func (stuck) DeletePrefix(context.Context, string) error { return errBroken }
func (stuck) Delete(context.Context, string) error       { return errBroken }

func TestDeleteWhereStorageFailsIsSweptLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.player(t, "ana", "")
	v := w.process(t, w.upload(t, p, "Clavada"))
	w.videos.Storage = stuck{w.videos.Storage}

	err := w.videos.DeleteVideo(t.Context(), p, v.ID)

	if !errors.Is(err, errBroken) {
		t.Errorf("got %v, want %v", err, errBroken)
	}
	if _, err := w.videos.OwnVideo(t.Context(), p, v.ID); !errors.Is(err, contest.ErrNoVideo) {
		t.Errorf("the row: got %v, want %v", err, contest.ErrNoVideo)
	}
	w.videos.Storage = disk{w.blobs}
	removed, err := w.videos.SweepOrphanedObjects(t.Context(), time.Now().Add(time.Hour))
	check(t, err)
	if removed != 3 || len(w.objects(t)) != 0 {
		t.Errorf("%d swept, %q stay", removed, w.objects(t))
	}
}

func TestByKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.player(t, "ana", "")
	v := w.process(t, w.upload(t, p, "Clavada"))
	gone := w.upload(t, p, "gone")
	check(t, w.videos.DeleteVideo(t.Context(), p, gone.ID))
	tests := map[string]struct {
		key  string
		part contest.Part
		err  error
	}{
		"original":    {v.Media.OriginalKey(), contest.OriginalPart, nil},
		"clip":        {v.Media.RenditionKey(), contest.RenditionPart, nil},
		"poster":      {v.Media.PosterKey(), contest.PosterPart, nil},
		"no part":     {v.Media.KeyPrefix() + "original.mov", contest.NoPart, contest.ErrNoVideo},
		"deleted":     {gone.Media.OriginalKey(), contest.NoPart, contest.ErrNoVideo},
		"never there": {"videos/" + someToken + "/original.mp4", contest.NoPart, contest.ErrNoVideo},
		"upward":      {"../risingstars.db", contest.NoPart, contest.ErrNoVideo},
		"empty":       {"", contest.NoPart, contest.ErrNoVideo},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, part, err := w.videos.VideoByMediaKey(t.Context(), test.key)
			if !errors.Is(err, test.err) || part != test.part {
				t.Fatalf("got part %d and %v, want %d and %v", part, err, test.part, test.err)
			}
			want := v
			if test.err != nil {
				want = contest.Video{}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("video (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPublicListsAreAskedForTrimmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.player(t, "ana", "Cali")
	w.publish(t, p, "Clavada")
	page := contest.Page{Number: 1, Limit: 10}
	for _, q := range []contest.PublicQuery{
		{Page: page, City: " \t"},
		{Page: page, City: " cali "},
		{Page: page, Search: " clavada\n"},
	} {
		list, err := w.videos.PublicVideos(t.Context(), q)
		check(t, err)
		n, err := w.videos.CountPublicVideos(t.Context(), q)
		check(t, err)
		if len(list) != 1 || n != 1 {
			t.Errorf("%+v: %d listed, %d counted", q, len(list), n)
		}
	}
	ranking, err := w.votes.RankingPage(t.Context(), contest.RankingQuery{Page: page, City: "  "})
	check(t, err)
	want := []contest.Standing{{Position: 1, PlayerID: p.ID, Username: "ana Ríos", City: "Cali"}}
	if diff := cmp.Diff(want, ranking); diff != "" {
		t.Errorf("ranking (-want +got):\n%s", diff)
	}
}

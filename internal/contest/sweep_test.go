package contest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
)

// put writes an object's file, without the syncs that make it durable.
func (w *world) put(t *testing.T, key string) {
	t.Helper()
	path := filepath.Join(w.media, filepath.FromSlash(key))
	check(t, os.MkdirAll(filepath.Dir(path), 0o750))
	check(t, os.WriteFile(path, []byte("x"), 0o600))
}

func TestSweepRemovesExactlyWhatHasNoRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.player(t, "ana", "")
	uploaded := w.upload(t, p, "uploaded")
	processed := w.process(t, w.upload(t, p, "processed"))
	public := w.publish(t, p, "public")
	want := w.objects(t)
	if len(want) != 7 {
		t.Fatalf("objects with a row: %q", want)
	}
	for _, key := range []string{
		"videos/" + someToken + "/original.mp4",                               // no such video
		"videos/" + someToken + "/" + otherToken + "/clip.mp4",                // nor its clip
		uploaded.Media.KeyPrefix() + "original.mov",                           // another format
		uploaded.Media.KeyPrefix() + ".part-123",                              // an upload that a crash cut
		processed.Media.KeyPrefix() + contest.NewMediaToken() + "/clip.mp4",   // a run that a crash cut
		processed.Media.KeyPrefix() + contest.NewMediaToken() + "/poster.jpg", //
		public.Media.KeyPrefix() + public.Media.Run + "/extra.txt",            // no part
		"videos/stray.txt", // not a video's at all
		"videos/short/original.mp4",
	} {
		w.put(t, key)
	}
	w.put(t, "elsewhere/file") // not the contest's

	removed, err := w.videos.SweepOrphanedObjects(t.Context(), time.Now().Add(time.Hour))
	check(t, err)

	if removed != 9 {
		t.Errorf("got %d removed, want 9", removed)
	}
	if diff := cmp.Diff(want, w.objects(t)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if f, _, err := w.blobs.Open(t.Context(), "elsewhere/file"); err != nil {
		t.Errorf("an object outside of the contest's: %v", err)
	} else {
		check(t, f.Close())
	}
	if again, err := w.videos.SweepOrphanedObjects(t.Context(), time.Now().Add(time.Hour)); again != 0 || err != nil {
		t.Errorf("a second time: %d removed, %v", again, err)
	}
}

func TestSweepLeavesWhatIsYoung(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(t, "videos/"+someToken+"/original.mp4")

	removed, err := w.videos.SweepOrphanedObjects(t.Context(), time.Now().Add(-time.Hour))

	if removed != 0 || err != nil || len(w.objects(t)) != 1 {
		t.Errorf("%d removed, %v, %q stay", removed, err, w.objects(t))
	}
}

func TestSweepInBatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.player(t, "ana", "")
	// Just below, at and above one batch, and two batches and more: each boundary once.
	for _, strays := range []int{499, 500, 501, 1203} {
		kept := w.upload(t, p, fmt.Sprint(strays))
		for range strays {
			w.put(t, "videos/"+contest.NewMediaToken()+"/original.mp4")
		}

		removed, err := w.videos.SweepOrphanedObjects(t.Context(), time.Now().Add(time.Hour))
		check(t, err)

		if removed != strays {
			t.Errorf("got %d removed, want %d", removed, strays)
		}
		if got := w.objects(t); !slices.Contains(got, kept.Media.OriginalKey()) {
			t.Errorf("%d strays: the original of a video was swept", strays)
		}
	}
	if got := len(w.objects(t)); got != 4 {
		t.Errorf("%d objects stay, want 4", got)
	}
}

func TestSweepStopsWhereItCannotKnow(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*contest.Videos){
		"the store fails":   func(v *contest.Videos) { v.Store = breakable{VideoStore: v.Store, mediaOf: errBroken} },
		"the storage fails": func(v *contest.Videos) { v.Storage = stuck{v.Storage} },
	}
	for name, break_ := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.put(t, "videos/"+someToken+"/original.mp4")
			break_(w.videos)

			removed, err := w.videos.SweepOrphanedObjects(t.Context(), time.Now().Add(time.Hour))

			if removed != 0 || !errors.Is(err, errBroken) {
				t.Errorf("got %d removed and %v, want 0 and %v", removed, err, errBroken)
			}
			if len(w.objects(t)) != 1 {
				t.Errorf("objects: %q", w.objects(t))
			}
		})
	}
}

// A storage is swept by the contest whose mark it bears, and marked only where that is plain.
func TestClaim(t *testing.T) {
	t.Parallel()
	const own, other = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	mark := func(w *world) func() (string, error) {
		return func() (string, error) {
			path := filepath.Join(w.dir, "mark")
			return path, os.WriteFile(path, []byte("mark"), 0o600)
		}
	}
	unknown := contest.Media{Token: contest.NewMediaToken(), Format: contest.MP4}
	put := func(t *testing.T, w *world, key string) {
		t.Helper()
		path := filepath.Join(w.dir, "object")
		check(t, os.WriteFile(path, []byte("object"), 0o600))
		check(t, w.blobs.PutFile(t.Context(), key, path))
	}
	for name, test := range map[string]struct {
		before func(*testing.T, *world)
		want   error
	}{
		"an empty storage": {func(*testing.T, *world) {}, nil},
		"its own":          {func(t *testing.T, w *world) { t.Helper(); put(t, w, "contest/"+own); put(t, w, unknown.OriginalKey()) }, nil},
		"a broken mark":    {func(t *testing.T, w *world) { t.Helper(); put(t, w, "contest/.part-1") }, nil},
		"another's":        {func(t *testing.T, w *world) { t.Helper(); put(t, w, "contest/"+other) }, contest.ErrForeignStorage},
		"only unknown":     {func(t *testing.T, w *world) { t.Helper(); put(t, w, unknown.OriginalKey()) }, contest.ErrForeignStorage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.before(t, w)
			for range 2 {
				if err := w.videos.ClaimStorage(t.Context(), own, mark(w)); !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
			}
			_, err := os.Stat(filepath.Join(w.media, "contest", own))
			if marked := err == nil; marked != (test.want == nil) {
				t.Errorf("marked: %t", marked)
			}
		})
	}
}

package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river/rivertype"

	"risingstars/internal/contest"
	"risingstars/internal/jobs"
)

var statuses = []contest.Status{contest.Uploaded, contest.Processing, contest.Processed, contest.Public, contest.Failed}

func TestAddVideoCommitsRowAndJobTogether(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "ana", "Cali")
			given := video(p, "Clavada", start)

			got, err := w.AddVideo(t.Context(), given)
			check(t, err)

			want := given
			want.ID, want.TaskID = 1, got.TaskID
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("video (-want +got):\n%s", diff)
			}
			kept, err := w.VideoByID(t.Context(), got.ID)
			check(t, err)
			if diff := cmp.Diff(want, kept); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
			type job struct {
				Kind, Queue, Args string
				State             rivertype.JobState
				MaxAttempts       int
			}
			j := w.job(t, got.TaskID)
			wantJob := job{"process_video", "videos", `{"video_id":1}`, rivertype.JobStateAvailable, jobs.MaxAttempts}
			if diff := cmp.Diff(wantJob, job{j.Kind, j.Queue, args(j), j.State, j.MaxAttempts}); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoRowWithoutJobAndNoJobWithoutRow(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "ana", "")
			failed := w.bring(t, w.upload(t, p, "failed", start), contest.Failed)
			waiting := w.upload(t, p, "waiting", start)
			before := w.content(t)
			broken := w.broken(func() bool { return true })
			taken := video(p, "token of another", start)
			taken.Media.Token = waiting.Media.Token

			for name, call := range map[string]struct {
				err  error
				want error // nil: any error
			}{
				"add, the queue fails": {second(broken.AddVideo(t.Context(), video(p, "new", start))), errBroken},
				"add, the row fails":   {second(w.AddVideo(t.Context(), taken)), nil},
				"add, nobody's":        {second(w.AddVideo(t.Context(), video(contest.Player{ID: 99}, "new", start))), contest.ErrNotSignedIn},
				"queue again":          {second(broken.RequeueVideo(t.Context(), failed.ID)), errBroken},
				"restart":              {broken.Restart(t.Context(), waiting.ID, waiting.TaskID), errBroken},
			} {
				if call.err == nil || call.want != nil && !errors.Is(call.err, call.want) {
					t.Errorf("%s: got %v, want %v", name, call.err, call.want)
				}
			}

			if diff := cmp.Diff(before, w.content(t)); diff != "" {
				t.Errorf("something stays (-before +after):\n%s", diff)
			}
		})
	}
}

// Concurrent uploads share a commit. If one fails, the others' videos and jobs are still committed in pairs.
func TestRowsAndJobsStayPairsWhenManyUploadAtOnce(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "ana", "")
			var calls atomic.Int64
			flaky := w.broken(func() bool { return calls.Add(1)%5 == 0 })
			ids := make([]int64, 40)
			errs := atOnce(len(ids), func(i int) error {
				v, err := flaky.AddVideo(t.Context(), video(p, "Clavada", at(i)))
				ids[i] = v.ID
				return err
			})
			added := succeeded(t, errs, errBroken)
			if added == 0 || added == len(ids) {
				t.Fatalf("%d of %d were added: the test shows nothing", added, len(ids))
			}
			for i, err := range errs {
				if err != nil {
					continue
				}
				v, err := w.VideoByID(t.Context(), ids[i])
				check(t, err)
				if args := args(w.job(t, v.TaskID)); args != fmt.Sprintf(`{"video_id":%d}`, v.ID) || !v.UploadedAt.Equal(at(i)) {
					t.Errorf("upload %d was told to be video %d, whose job has %s, uploaded at %s", i, v.ID, args, v.UploadedAt)
				}
			}
			if videos, jobs := w.number(t, `SELECT count(*) FROM videos`), w.number(t, `SELECT count(*) FROM river_job`); videos != int64(added) || jobs != int64(added) {
				t.Errorf("%d added, %d videos and %d jobs are there", added, videos, jobs)
			}
		})
	}
}

// second returns the error of a call that also returns a result.
func second[T any](_ T, err error) error { return err }

func TestAVideosIDIsNeverGivenAgain(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "ana", "")
			first := w.upload(t, p, "first", start)
			check(t, w.DeleteVideo(t.Context(), first.ID))
			if second := w.upload(t, p, "second", start); second.ID <= first.ID {
				t.Errorf("got id %d after %d", second.ID, first.ID)
			}
		})
	}
}

func TestVideoThere(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "ana", "")
			for _, status := range statuses {
				want := w.bring(t, w.upload(t, p, string(status), start), status)
				if want.Status != status {
					t.Fatalf("got status %s, want %s", want.Status, status)
				}
				byID, err := w.VideoByID(t.Context(), want.ID)
				check(t, err)
				if diff := cmp.Diff(want, byID); diff != "" {
					t.Errorf("%s by id (-want +got):\n%s", status, diff)
				}
				byToken, err := w.VideoByToken(t.Context(), want.Media.Token)
				check(t, err)
				if diff := cmp.Diff(want, byToken); diff != "" {
					t.Errorf("%s by token (-want +got):\n%s", status, diff)
				}
			}
			for _, id := range []int64{0, -1, 99, 1<<63 - 1} {
				if _, err := w.VideoByID(t.Context(), id); !errors.Is(err, contest.ErrNoVideo) {
					t.Errorf("%d: got %v, want %v", id, err, contest.ErrNoVideo)
				}
			}
			for _, token := range []string{"", "%", contest.NewMediaToken()} {
				if _, err := w.VideoByToken(t.Context(), token); !errors.Is(err, contest.ErrNoVideo) {
					t.Errorf("%q: got %v, want %v", token, err, contest.ErrNoVideo)
				}
			}
		})
	}
}

func TestVideosOf(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			ana, beto := w.player(t, "ana", ""), w.player(t, "beto", "")
			old := w.upload(t, ana, "old", at(0))
			w.upload(t, beto, "another's", at(1))
			late := w.upload(t, ana, "late", at(2))
			early := w.public(t, ana, "early", at(-1))
			same := w.upload(t, ana, "as old, and later", at(0))

			got, err := w.VideosOfPlayer(t.Context(), ana.ID)
			check(t, err)
			if diff := cmp.Diff([]contest.Video{late, same, old, early}, got); diff != "" {
				t.Errorf("videos (-want +got):\n%s", diff)
			}
			none, err := w.VideosOfPlayer(t.Context(), 99)
			if none == nil || len(none) > 0 || err != nil {
				t.Errorf("nobody's: got %#v, %v, want an empty list", none, err)
			}
		})
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "ana", "Cali")
			v := w.bring(t, w.upload(t, p, "Clavada", start), contest.Processed)

			got, err := w.PublishVideo(t.Context(), v.ID, at(500))
			check(t, err)

			want := v
			want.Status, want.PublishedAt = contest.Public, at(500)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("video (-want +got):\n%s", diff)
			}
			before := w.content(t)
			again, err := w.PublishVideo(t.Context(), v.ID, at(900))
			check(t, err)
			if diff := cmp.Diff(want, again); diff != "" {
				t.Errorf("a second time (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, w.content(t)); diff != "" {
				t.Errorf("a second time changed something (-before +after):\n%s", diff)
			}
			// A second video does not change the player's standing.
			w.public(t, p, "Otra", at(1000))
			if n := w.number(t, `SELECT count(*) FROM standings WHERE reached_at = $1`, "2026-01-15T10:38:20.000000Z"); n != 1 {
				t.Error("the player's place is not that of the first publication")
			}
		})
	}
}

func TestGuardedChangesFromWrongStates(t *testing.T) {
	t.Parallel()
	calls := map[string]struct {
		call  func(*testing.T, *world, contest.Video) error
		wrong map[contest.Status]error
		gone  error
	}{
		"publish": {
			func(t *testing.T, w *world, v contest.Video) error {
				t.Helper()
				return second(w.PublishVideo(t.Context(), v.ID, at(9)))
			},
			map[contest.Status]error{
				contest.Uploaded: contest.ErrNotProcessed, contest.Processing: contest.ErrNotProcessed, contest.Failed: contest.ErrNotProcessed,
			},
			contest.ErrNoVideo,
		},
		"requeue": {
			func(t *testing.T, w *world, v contest.Video) error {
				t.Helper()
				return second(w.RequeueVideo(t.Context(), v.ID))
			},
			map[contest.Status]error{
				contest.Uploaded: contest.ErrNotFailed, contest.Processing: contest.ErrNotFailed,
				contest.Processed: contest.ErrNotFailed, contest.Public: contest.ErrNotFailed,
			},
			contest.ErrNoVideo,
		},
		"delete": {
			func(t *testing.T, w *world, v contest.Video) error {
				t.Helper()
				return w.DeleteVideo(t.Context(), v.ID)
			},
			map[contest.Status]error{contest.Public: contest.ErrPublic},
			contest.ErrNoVideo,
		},
		"begin": {
			func(t *testing.T, w *world, v contest.Video) error {
				t.Helper()
				return second(w.BeginProcessing(t.Context(), runOf(v)))
			},
			nothingToDo(contest.Processed, contest.Public, contest.Failed),
			contest.ErrNothingToDo,
		},
		"finish": {
			func(t *testing.T, w *world, v contest.Video) error {
				t.Helper()
				return second(w.FinishProcessing(t.Context(), runOf(v), contest.NewMediaToken(), at(9), mustNotRun(t)))
			},
			nothingToDo(contest.Uploaded, contest.Processed, contest.Public, contest.Failed),
			contest.ErrNothingToDo,
		},
		"fail": {
			func(t *testing.T, w *world, v contest.Video) error {
				t.Helper()
				return second(w.FailProcessing(t.Context(), runOf(v), contest.FailedTimeout, mustNotRun(t)))
			},
			nothingToDo(contest.Processed, contest.Public, contest.Failed),
			contest.ErrNothingToDo,
		},
		"restart": {
			func(t *testing.T, w *world, v contest.Video) error {
				t.Helper()
				return w.Restart(t.Context(), v.ID, v.TaskID)
			},
			nothingToDo(contest.Processed, contest.Public, contest.Failed),
			contest.ErrNothingToDo,
		},
	}
	for name, test := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, e := range engines() {
				t.Run(e.name, func(t *testing.T) {
					t.Parallel()
					w := e.world(t)
					p := w.player(t, "ana", "")
					for status, want := range test.wrong {
						v := w.bring(t, w.upload(t, p, string(status), start), status)
						before := w.content(t)
						if err := test.call(t, w, v); !errors.Is(err, want) {
							t.Errorf("%s: got %v, want %v", status, err, want)
						}
						if diff := cmp.Diff(before, w.content(t)); diff != "" {
							t.Errorf("%s: something changed (-before +after):\n%s", status, diff)
						}
					}
					gone := w.upload(t, p, "gone", start)
					check(t, w.DeleteVideo(t.Context(), gone.ID))
					before := w.content(t)
					if err := test.call(t, w, gone); !errors.Is(err, test.gone) {
						t.Errorf("gone: got %v, want %v", err, test.gone)
					}
					if diff := cmp.Diff(before, w.content(t)); diff != "" {
						t.Errorf("gone: something changed (-before +after):\n%s", diff)
					}
				})
			}
		})
	}
}

func TestRequeue(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			v := w.bring(t, w.upload(t, w.player(t, "ana", ""), "Clavada", start), contest.Failed)

			got, err := w.RequeueVideo(t.Context(), v.ID)
			check(t, err)

			want := v
			want.Status, want.Failure, want.TaskID = contest.Uploaded, contest.NoFailure, got.TaskID
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("video (-want +got):\n%s", diff)
			}
			kept, err := w.VideoByID(t.Context(), v.ID)
			check(t, err)
			if diff := cmp.Diff(want, kept); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
			if got.TaskID == v.TaskID || args(w.job(t, got.TaskID)) != `{"video_id":`+strconv.FormatInt(v.ID, 10)+`}` {
				t.Errorf("task %s after %s", got.TaskID, v.TaskID)
			}
		})
	}
}

func TestDeleteVideo(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "ana", "")
			for _, status := range []contest.Status{contest.Uploaded, contest.Processing, contest.Processed, contest.Failed} {
				v := w.bring(t, w.upload(t, p, "Clavada", start), status)
				check(t, w.DeleteVideo(t.Context(), v.ID))
				if _, err := w.VideoByID(t.Context(), v.ID); !errors.Is(err, contest.ErrNoVideo) {
					t.Errorf("%s: got %v, want %v", status, err, contest.ErrNoVideo)
				}
			}
		})
	}
}

// If a player changes the city while a video is published, the standing has the new city.
func TestPublishWhileThePlayerMoves(t *testing.T) {
	t.Parallel()
	w := engines()[1].world(t) // SQLite runs one writer at a time
	ctx := t.Context()
	p := w.player(t, "ana", "Cali")
	v := w.bring(t, w.upload(t, p, "Clavada", start), contest.Processed)
	tx, err := w.db.Writer.BeginTx(ctx, nil)
	check(t, err)
	for _, statement := range []string{ // the first statements of UpdateProfile
		`UPDATE players SET city = 'Tunja', city_key = 'tunja' WHERE id = $1`,
		`UPDATE standings SET city_key = 'tunja' WHERE player_id = $1`,
	} {
		check(t, second(tx.ExecContext(ctx, statement, p.ID)))
	}
	published := make(chan error, 1)
	go func() { published <- second(w.PublishVideo(ctx, v.ID, at(500))) }() // ends after tx commits
	eventually(t, "the publication waits, or is over", func() bool {
		return len(published) > 0 ||
			w.number(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
	})
	check(t, tx.Commit())
	check(t, <-published)

	if n := w.number(t, `SELECT count(*) FROM standings WHERE player_id = $1 AND city_key = 'tunja'`, p.ID); n != 1 {
		t.Error("the player stands where it lived before")
	}
	if _, err := w.PublishVideo(ctx, 1<<40, at(500)); !errors.Is(err, contest.ErrNoVideo) {
		t.Errorf("no video: got %v", err)
	}
}

func TestPublishAndDeleteAtOnce(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "ana", "")
			for i := range 10 {
				v := w.bring(t, w.upload(t, p, "Clavada", at(i)), contest.Processed)
				errs := atOnce(2, func(i int) error {
					if i == 0 {
						return second(w.PublishVideo(t.Context(), v.ID, start))
					}
					return w.DeleteVideo(t.Context(), v.ID)
				})
				published := errs[0] == nil && errors.Is(errs[1], contest.ErrPublic)
				deleted := errors.Is(errs[0], contest.ErrNoVideo) && errs[1] == nil
				if published == deleted {
					t.Errorf("publish: %v, delete: %v", errs[0], errs[1])
				}
			}
		})
	}
}

func TestMediaOf(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "ana", "")
			a, b := w.upload(t, p, "a", start), w.public(t, p, "b", start)
			w.upload(t, p, "not asked for", start)
			many := []string{a.Media.Token, b.Media.Token}
			for range 500 {
				many = append(many, contest.NewMediaToken())
			}
			for name, test := range map[string]struct {
				tokens []string
				want   []contest.Media
			}{
				"none":               {nil, nil},
				"unknown":            {[]string{contest.NewMediaToken(), "%", ""}, nil},
				"two of many, twice": {append(many, a.Media.Token), []contest.Media{a.Media, b.Media}},
			} {
				got, err := w.MediaByTokens(t.Context(), test.tokens)
				check(t, err)
				slices.SortFunc(got, func(x, _ contest.Media) int {
					if x.Token == a.Media.Token {
						return -1
					}
					return 1
				})
				if len(got) == 0 {
					got = nil
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

func TestBigVideos(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			v := video(w.player(t, "ana", ""), fmt.Sprintf("%0255d", 1), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC))
			v.Media.Size, v.Media.Format = 1<<40, contest.MOV
			want, err := w.AddVideo(t.Context(), v)
			check(t, err)
			got, err := w.VideoByID(t.Context(), want.ID)
			check(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("video (-want +got):\n%s", diff)
			}
		})
	}
}

package contest_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
)

func TestCheckTitle(t *testing.T) {
	t.Parallel()
	bad := func(fault contest.Fault, limit int) []contest.Field { return []contest.Field{{"title", fault, limit}} }
	tests := map[string]struct {
		title, want string
		fields      []contest.Field
	}{
		"ordinary":              {title: "Mis tiros de tres", want: "Mis tiros de tres"},
		"one character":         {title: "界", want: "界"},
		"trimmed":               {title: "\n  Clavada \t", want: "Clavada"},
		"255 characters":        {title: strings.Repeat("ñ", 255), want: strings.Repeat("ñ", 255)},
		"255 and blanks around": {title: "  " + strings.Repeat("ñ", 255) + "  ", want: strings.Repeat("ñ", 255)},
		"emoji":                 {title: "🏀🔥", want: "🏀🔥"},
		"markup is text":        {title: "<b>'; DROP TABLE", want: "<b>'; DROP TABLE"},
		"256 characters":        {title: strings.Repeat("ñ", 256), want: strings.Repeat("ñ", 256), fields: bad(contest.TooLong, 255)},
		"absent":                {fields: bad(contest.Missing, 0)},
		"blank":                 {title: " \t\r\n\u00a0\u3000", fields: bad(contest.Blank, 0)},
		"line break inside":     {title: "a\nb", want: "a\nb", fields: bad(contest.NotText, 0)},
		"tab inside":            {title: "a\tb", want: "a\tb", fields: bad(contest.NotText, 0)},
		"NUL alone":             {title: "\x00", want: "\x00", fields: bad(contest.NotText, 0)},
		"C1 control":            {title: "a\u009bb", want: "a\u009bb", fields: bad(contest.NotText, 0)},
		"zero-width space":      {title: "\u200b", want: "\u200b", fields: bad(contest.Blank, 0)},
		"an accent on nothing":  {title: "\u0301", want: "\u0301", fields: bad(contest.Blank, 0)},
		"joined emoji":          {title: "👩\u200d🦱", want: "👩\u200d🦱"},
		"right to left":         {title: "a\u202eb", want: "a\u202eb", fields: bad(contest.NotText, 0)},
		"not UTF-8":             {title: "a\xc3", want: "a\xc3", fields: bad(contest.NotText, 0)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := contest.CheckTitle(test.title)
			var fields []contest.Field
			if invalid, ok := errors.AsType[*contest.InvalidError](err); ok {
				fields = invalid.Fields
			} else {
				check(t, err)
			}
			if diff := cmp.Diff(test.fields, fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestAccept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.player(t, "ana", "Cali")
	w.videos.Inspector = judged{format: contest.MOV}
	watch := w.live.Watch(t.Context(), 1)
	defer watch.Close()
	path := w.file(t, "clip")

	got, err := w.videos.AcceptUpload(t.Context(), p, contest.Upload{Title: " Clavada ", Path: path, Size: 4, DeclaredType: "video/quicktime"})
	check(t, err)

	want := contest.Video{
		ID: 1, PlayerID: p.ID, TaskID: "1", Title: "Clavada", Status: contest.Uploaded, UploadedAt: start,
		Media: contest.Media{Token: got.Media.Token, Format: contest.MOV, Size: 4},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("video (-want +got):\n%s", diff)
	}
	kept, err := w.store.VideoByID(t.Context(), got.ID)
	check(t, err)
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"videos/" + got.Media.Token + "/original.mov"}, w.objects(t)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if n := w.rows(t, "river_job"); n != 1 {
		t.Errorf("%d jobs are there", n)
	}
	if diff := cmp.Diff(contest.Event{VideoID: 1, Status: contest.Uploaded}, news(watch)); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func TestAcceptDeclaredTypes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		declared string
		want     error
	}{
		{"", nil},
		{"application/octet-stream", nil},
		{"binary/octet-stream", nil},
		{"video/mp4", nil},
		{"VIDEO/MP4", nil},
		{"application/mp4", nil},
		{"video/x-m4v", nil},
		{"video/quicktime", nil},
		{"video/mpeg4", nil},
		{"video/3gpp", nil},
		{"video/webm", contest.ErrDeclaredTypeMismatch},
		{"video/x-msvideo", contest.ErrDeclaredTypeMismatch},
		{"image/png", contest.ErrDeclaredTypeMismatch},
		{"text/plain", contest.ErrDeclaredTypeMismatch},
		{"video", contest.ErrDeclaredTypeMismatch},
	}
	w := newWorld(t)
	p := w.player(t, "ana", "")
	for _, test := range tests {
		t.Run(test.declared, func(t *testing.T) {
			t.Parallel()
			_, err := w.videos.AcceptUpload(t.Context(), p,
				contest.Upload{Title: "t", Path: w.file(t, "clip"), Size: 4, DeclaredType: test.declared})
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// breakable is a store that fails where it is told to.
type breakable struct {
	contest.VideoStore
	addVideo func(ctx context.Context, v contest.Video) (contest.Video, error)
	mediaOf  error
}

var errBroken = errors.New("the disk is on fire")

func (b breakable) AddVideo(ctx context.Context, v contest.Video) (contest.Video, error) {
	return b.addVideo(ctx, v)
}

func (b breakable) MediaByTokens(ctx context.Context, tokens []string) ([]contest.Media, error) {
	if b.mediaOf != nil {
		return nil, b.mediaOf
	}
	return b.VideoStore.MediaByTokens(ctx, tokens)
}

// full is a storage that takes nothing more.
type full struct{ contest.Storage }

func (full) PutFile(context.Context, string, string) error { return errBroken }

func TestAcceptThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		upload func(*contest.Upload)
		break_ func(*contest.Videos)
		want   error
	}{
		"blank title":     {upload: func(u *contest.Upload) { u.Title = " " }, want: &contest.InvalidError{}},
		"empty file":      {upload: func(u *contest.Upload) { u.Size = 0 }, want: contest.ErrEmptyFile},
		"declared other":  {upload: func(u *contest.Upload) { u.DeclaredType = "text/html" }, want: contest.ErrDeclaredTypeMismatch},
		"no video":        {break_: func(v *contest.Videos) { v.Inspector = judged{err: contest.ErrNotAVideo} }, want: contest.ErrNotAVideo},
		"FFmpeg fails":    {break_: func(v *contest.Videos) { v.Inspector = judged{err: errBroken} }, want: errBroken},
		"storage is full": {break_: func(v *contest.Videos) { v.Storage = full{v.Storage} }, want: errBroken},
		"commit fails": {break_: func(v *contest.Videos) {
			v.Store = breakable{VideoStore: v.Store, addVideo: func(context.Context, contest.Video) (contest.Video, error) {
				return contest.Video{}, errBroken
			}}
		}, want: errBroken},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.player(t, "ana", "")
			upload := contest.Upload{Title: "Clavada", Path: w.file(t, "clip"), Size: 4}
			if test.upload != nil {
				test.upload(&upload)
			}
			if test.break_ != nil {
				test.break_(w.videos)
			}

			_, err := w.videos.AcceptUpload(t.Context(), p, upload)

			var invalid *contest.InvalidError
			if errors.As(test.want, &invalid) && errors.As(err, &invalid) {
				err = test.want
			}
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if got := w.objects(t); len(got) > 0 {
				t.Errorf("objects stay: %q", got)
			}
			if n := w.rows(t, "videos") + w.rows(t, "river_job"); n > 0 {
				t.Errorf("%d rows stay", n)
			}
		})
	}
}

func TestAcceptRemovesTheObjectThoughTheClientHungUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.player(t, "ana", "")
	ctx, hangUp := context.WithCancel(t.Context())
	w.videos.Store = breakable{VideoStore: w.store, addVideo: func(ctx context.Context, _ contest.Video) (contest.Video, error) {
		hangUp()
		return contest.Video{}, ctx.Err()
	}}

	_, err := w.videos.AcceptUpload(ctx, p, contest.Upload{Title: "t", Path: w.file(t, "clip"), Size: 4})

	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if got := w.objects(t); len(got) > 0 {
		t.Errorf("objects stay: %q", got)
	}
}

func TestAcceptKeepsTheObjectWhereTheRowMayBe(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*world) breakable{
		"committed, and the answer was lost": func(w *world) breakable {
			return breakable{VideoStore: w.store, addVideo: func(ctx context.Context, v contest.Video) (contest.Video, error) {
				if _, err := w.store.AddVideo(ctx, v); err != nil {
					return contest.Video{}, err
				}
				return contest.Video{}, errBroken
			}}
		},
		"nobody knows": func(w *world) breakable {
			return breakable{VideoStore: w.store, mediaOf: errBroken,
				addVideo: func(context.Context, contest.Video) (contest.Video, error) { return contest.Video{}, errBroken }}
		},
	}
	for name, store := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.player(t, "ana", "")
			w.videos.Store = store(w)

			_, err := w.videos.AcceptUpload(t.Context(), p, contest.Upload{Title: "t", Path: w.file(t, "clip"), Size: 4})

			if !errors.Is(err, errBroken) {
				t.Errorf("got %v, want %v", err, errBroken)
			}
			if got := w.objects(t); len(got) != 1 {
				t.Errorf("objects: %q, want the original", got)
			}
		})
	}
}

func TestAcceptDoesNotTouchTheFileOfWhatItRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.videos.Inspector = judged{err: contest.ErrNotAVideo}
	path := w.file(t, "clip")

	_, err := w.videos.AcceptUpload(t.Context(), w.player(t, "ana", ""), contest.Upload{Title: "t", Path: path, Size: 4})

	if !errors.Is(err, contest.ErrNotAVideo) {
		t.Errorf("got %v, want %v", err, contest.ErrNotAVideo)
	}
	content, err := os.ReadFile(path)
	check(t, err)
	if string(content) != "clip" {
		t.Errorf("the work file holds %q", content)
	}
}

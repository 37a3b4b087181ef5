package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// What database and storage hold is read as it is on both engines, so that the checker finds what is spoiled in them.
func TestTruth(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		query   string // that spoils the database
		pattern string // of the file that is removed
		want    []string
	}{
		{"nothing", "", "", nil},
		{"a row", `DELETE FROM votes; DELETE FROM videos`, "", []string{"upload lost", "vote lost", "votes of a player miscounted"}},
		{"an original", "", "original.mp4", []string{"original lost"}},
		{"a clip", "", "*/clip.mp4", []string{"clip lost"}},
		{"a poster", "", "*/poster.jpg", []string{"clip lost"}},
		{"a vote", `DELETE FROM votes`, "", []string{"vote lost", "votes of a player miscounted", "votes of a video miscounted"}},
		{"a state", `UPDATE videos SET status = 'processing'`, "", []string{"upload not processed"}},
	}
	for _, kind := range []string{embedded, fleet} {
		for i, c := range cases {
			if kind == fleet && i > 1 {
				continue // the files are read in the same way
			}
			t.Run(kind+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				if kind == fleet {
					testserver.Program(t, "initdb", os.Getenv("RISINGSTARS_TEST_POSTGRES"), "/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin")
					testserver.Program(t, "redis-server")
				}
				h := newHost(t.Context(), &bytes.Buffer{})
				defer h.end()
				err := h.try(func() {
					s, journal := aVote(t, h, kind)
					for query := range strings.SplitSeq(c.query, "; ") {
						change(t, s, query)
					}
					if c.pattern != "" {
						remove(t, s, c.pattern)
					}
					now, err := s.truth(t.Context())
					h.must(err, "read the truth")
					var got []string
					for _, f := range checkHistory(journal, now) {
						got = append(got, f.Kind)
					}
					if diff := cmp.Diff(c.want, got); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// aVote is a contest with a public video and a vote for it, and the journal of how both came in.
func aVote(t *testing.T, h *host, kind string) (*seeder, []entry) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	text, err := os.ReadFile(mediatest.Clip(t, mediatest.Spec{}))
	h.must(err, "read a clip")
	h.must(os.WriteFile(path, text, 0o600), "write a clip")
	size, mark := endOf(path)
	s := newSeeder(newTarget(h, kind, "", true), 4)
	video := s.stars(1, rendered{original: path, clip: path, poster: path, size: size})[0]
	fan := s.people("fan", 1, false)[0]
	_, err = s.store.AddVote(t.Context(), video, fan.ID, time.Now())
	h.must(err, "vote")
	return s, []entry{
		{Call: uploadCall, Status: 201, Player: "star1@example.com", Video: video, Size: size, Mark: mark},
		{Call: voteCall, Status: 200, Player: fan.Email, Video: video},
	}
}

func change(t *testing.T, s *seeder, query string) {
	t.Helper()
	if _, err := s.db.Writer.ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

// remove removes what matches in the folder of the only video.
func remove(t *testing.T, s *seeder, pattern string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.mediaDir, "videos", "*", pattern))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%s: %v, %v", pattern, paths, err)
	}
	if err := os.Remove(paths[0]); err != nil {
		t.Fatal(err)
	}
}

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// history is one that nothing is wrong with: two uploads and a vote for the first.
func history() ([]entry, truth) {
	journal := []entry{
		{Call: "sign-in", Status: 200, Player: "ana@example.com"},
		{Call: uploadCall, Status: 201, Player: "ana@example.com", Video: 1, Mark: "aa", Size: 5},
		{Call: uploadCall, Status: 201, Player: "ana@example.com", Video: 2, Mark: "bb", Size: 7},
		{Call: uploadCall, Status: 503, Player: "ana@example.com", Mark: "cc", Size: 7, Fault: "status 503"},
		{Call: voteCall, Status: 200, Player: "beto@example.com", Video: 1},
	}
	return journal, truth{
		Videos: map[int64]kept{
			1: {Player: "ana@example.com", Status: "public", Size: 5, Mark: "aa", Rendered: true, Votes: 1},
			2: {Player: "ana@example.com", Status: "processed", Size: 7, Mark: "bb", Rendered: true},
			3: {Player: "ana@example.com", Status: "uploaded", Size: 7, Mark: "cc"}, // its answer never came
		},
		Votes:     map[ballot]bool{{"beto@example.com", 1}: true},
		Standings: map[string]int{"ana@example.com": 1},
	}
}

// Each case spoils the history in one way, which the checker must find.
func TestCheckHistory(t *testing.T) {
	t.Parallel()
	change := func(id int64, f func(*kept)) func(*[]entry, *truth) {
		return func(_ *[]entry, now *truth) {
			v := now.Videos[id]
			f(&v)
			now.Videos[id] = v
		}
	}
	cases := []struct {
		name  string
		spoil func(*[]entry, *truth)
		want  []string
	}{
		{"nothing", func(*[]entry, *truth) {}, nil},
		{"the row is gone", func(_ *[]entry, now *truth) { delete(now.Videos, 2) }, []string{"upload lost"}},
		{"the file is gone", change(2, func(v *kept) { v.Size = -1 }), []string{"original lost"}},
		{"the file is cut", change(2, func(v *kept) { v.Size = 6 }), []string{"original changed"}},
		{"another's file", change(2, func(v *kept) { v.Mark = "aa" }), []string{"original changed"}},
		{"another's row", change(2, func(v *kept) { v.Player = "beto@example.com" }), []string{"upload of another"}},
		{"it waits", change(2, func(v *kept) { v.Status, v.Rendered = "uploaded", false }), []string{"upload not processed"}},
		{"it is worked on", change(2, func(v *kept) { v.Status = "processing" }), []string{"upload not processed"}},
		{"it failed", change(2, func(v *kept) { v.Status = "failed" }), []string{"upload not processed"}},
		{"the clip is gone", change(1, func(v *kept) { v.Rendered = false }), []string{"clip lost"}},
		{"one id twice", func(j *[]entry, _ *truth) { (*j)[2] = (*j)[1] }, []string{"upload acknowledged twice"}},
		{"an acknowledged upload with a bad body", func(j *[]entry, now *truth) {
			(*j)[2].Fault = "body: another message"
			delete(now.Videos, 2)
		}, []string{"upload lost"}},
		{"the vote is gone", func(_ *[]entry, now *truth) {
			now.Votes = nil
			change(1, func(v *kept) { v.Votes = 0 })(nil, now)
			now.Standings["ana@example.com"] = 0
		}, []string{"vote lost"}},
		{"the vote is another's", func(_ *[]entry, now *truth) {
			now.Votes = map[ballot]bool{{"caro@example.com", 1}: true}
		}, []string{"vote lost", "vote that nobody gave"}},
		{"one vote twice", func(j *[]entry, _ *truth) { *j = append(*j, (*j)[4]) }, []string{"vote acknowledged twice"}},
		{"the video's count", change(1, func(v *kept) { v.Votes = 2 }), []string{"votes of a video miscounted"}},
		{"the ranking's count", func(_ *[]entry, now *truth) {
			now.Standings["ana@example.com"] = 0
		}, []string{"votes of a player miscounted"}},
		{"a vote whose answer never came", func(j *[]entry, _ *truth) { (*j)[4].Status = 0 }, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			journal, now := history()
			c.spoil(&journal, &now)

			var got []string
			for _, f := range checkHistory(journal, now) {
				got = append(got, f.Kind)
			}

			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadJournal(t *testing.T) {
	t.Parallel()
	const good = `{"call":"upload","at":1.5,"ms":20,"status":201,"users":3,"player":"a@b.c","video":7,"mark":"aa","size":5}`
	cases := []struct {
		name, text string
		entries    int
		fails      bool
	}{
		{"whole", good + "\n" + good + "\n", 2, false},
		{"cut off at the end", good + "\n" + good[:20], 1, false},
		{"spoiled in the middle", good[:20] + "\n" + good + "\n", 0, true},
		{"empty", "", 0, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "journal")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}

			got, err := readJournal(path)

			if len(got) != c.entries || (err != nil) != c.fails {
				t.Errorf("got %d entries and %v", len(got), err)
			}
		})
	}
}

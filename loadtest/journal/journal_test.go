package journal_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/testkit/history"
	"risingstars/loadtest/journal"
)

func TestReadFile(t *testing.T) {
	t.Parallel()
	const good = `{"call":"upload","at":1.5,"ms":20,"status":201,"users":3,"account":"a@b.c","video_id":7,"mark":"aa","size":5}`
	cases := []struct {
		name, text string
		entries    int
		fails      bool
	}{
		{"whole", good + "\n" + good + "\n", 2, false},
		{"cut off at the end", good + "\n" + good[:20], 1, false},
		{"unreadable in the middle", good[:20] + "\n" + good + "\n", 0, true},
		{"empty", "", 0, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "journal")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}

			got, err := journal.ReadFile(path)

			if len(got) != c.entries || (err != nil) != c.fails {
				t.Errorf("got %d entries and %v", len(got), err)
			}
		})
	}
}

func TestReadFileThatIsMissing(t *testing.T) {
	t.Parallel()
	if got, err := journal.ReadFile(filepath.Join(t.TempDir(), "journal")); got != nil || err != nil {
		t.Errorf("got %v and %v", got, err)
	}
}

// What is appended is read again as it was, and means the operation that the check compares.
func TestAppendAndOperation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	w, err := journal.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []journal.Entry{
		{Call: journal.Upload, At: 1.5, MS: 20, Status: 201, Users: 3, Account: "a@b.c", VideoID: 7, Title: "one", Mark: "aa", Size: 5},
		{Call: journal.Vote, Status: 503, Account: "d@e.f", VideoID: 7, Fault: "status 503"},
		{Call: journal.SecondVote, Status: 400, Account: "d@e.f", VideoID: 7, AlreadyVoted: true},
		{Call: "ranking", Status: 200},
	}
	for _, e := range want {
		if err := w.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	got, err := journal.ReadFile(path)

	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	var operations []history.Operation
	for _, e := range got {
		if o, ok := e.Operation(); ok {
			operations = append(operations, o)
		}
	}
	wantOperations := []history.Operation{
		{Action: history.Upload, Account: "a@b.c", Title: "one", Content: journal.Fingerprint(5, "aa"), VideoID: 7, Outcome: history.Acknowledged},
		{Action: history.Vote, Account: "d@e.f", VideoID: 7, Outcome: history.Unknown},
		{Action: history.Vote, Account: "d@e.f", VideoID: 7, Outcome: history.Refused, AlreadyDone: true},
	}
	if diff := cmp.Diff(wantOperations, operations); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
}

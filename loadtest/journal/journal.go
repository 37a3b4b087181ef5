// Package journal is the record that every load generator writes, whatever its language: one line of JSON for each
// request. Statistics, failures and the check of what was acknowledged are all made from it.
package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"risingstars/internal/testkit/history"
)

// Entry is one request as the load generator saw it.
type Entry struct {
	Call         string  `json:"call"`
	At           float64 `json:"at"` // Unix time at which it was sent, seconds
	MS           float64 `json:"ms"` // until the whole answer had arrived
	Status       int     `json:"status"`
	Users        int     `json:"users"`                   // simulated at that moment
	Fault        string  `json:"fault,omitempty"`         // what was not as promised, its kind first: "status 503", "body: …"
	Account      string  `json:"account,omitempty"`       // the email of the account that asked, "" for the public
	VideoID      int64   `json:"video_id,omitempty"`      // of the video that was uploaded or voted for
	Title        string  `json:"title,omitempty"`         // of an upload; no two uploads share one
	Mark         string  `json:"mark,omitempty"`          // the last MarkBytes bytes of an upload
	Size         int64   `json:"size,omitempty"`          // of an upload, bytes
	AlreadyVoted bool    `json:"already_voted,omitempty"` // the vote was refused because it exists
}

// MarkBytes is how many bytes at the end of each uploaded file differ from upload to upload.
const MarkBytes = 32

// The calls that change what the platform stores.
const (
	Upload     = "upload"
	Vote       = "vote"
	SecondVote = "second vote" // by the same account for the same video, which must be refused
)

// Operation is what the request means to the check afterwards. ok is false for a call that changes nothing.
func (e Entry) Operation() (o history.Operation, ok bool) {
	o = history.Operation{Account: e.Account, VideoID: e.VideoID, Outcome: history.OutcomeOf(e.Status)}
	switch e.Call {
	case Upload:
		o.Action, o.Title, o.Content = history.Upload, e.Title, Fingerprint(e.Size, e.Mark)
	case Vote, SecondVote:
		o.Action, o.AlreadyDone = history.Vote, e.AlreadyVoted
	default:
		return history.Operation{}, false
	}
	return o, true
}

// Fingerprint identifies an uploaded file by its size and its last bytes.
func Fingerprint(size int64, mark string) string {
	return fmt.Sprintf("%d bytes, the last %q", size, mark)
}

// Writer appends entries to a journal. Several goroutines may use it.
type Writer struct {
	mu   sync.Mutex
	file *os.File
}

// Create makes an empty journal.
func Create(path string) (*Writer, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create the journal: %w", err)
	}
	return &Writer{file: f}, nil
}

// Append writes one entry. It is with the kernel when Append returns, so a generator that is killed loses none.
func (w *Writer) Append(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// Close closes the file.
func (w *Writer) Close() error { return w.file.Close() }

// ReadFile reads a journal. The last line may be cut off, if the generator was killed; any other line that cannot be read
// is an error, since it may hold an acknowledgement. A generator that has not sent anything may have made no file.
func ReadFile(path string) ([]Entry, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	defer func() { _ = f.Close() }()
	var entries []Entry
	var unreadable error
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if unreadable != nil {
			return nil, unreadable
		}
		line := lines.Text()
		if strings.TrimSpace(line) == "" {
			continue
		}
		var e Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			unreadable = fmt.Errorf("the journal has a line that is not an entry: %q", line)
			continue
		}
		entries = append(entries, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	return entries, nil
}

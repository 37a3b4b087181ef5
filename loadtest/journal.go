package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// entry is one request as the load generator saw it. Generators write one line of JSON for each, whichever they are.
type entry struct {
	Call   string  `json:"call"`
	At     float64 `json:"at"` // Unix time at which it was sent, seconds
	MS     float64 `json:"ms"` // until the whole answer was there
	Status int     `json:"status"`
	Users  int     `json:"users"`  // simulated at that moment
	Fault  string  `json:"fault"`  // what was not as promised, its kind first: "status 503", "body: …"; "" is well
	Player string  `json:"player"` // the email of who asked, "" for the public
	Video  int64   `json:"video"`  // that was uploaded or voted for
	Mark   string  `json:"mark"`   // how an upload's file ends
	Size   int64   `json:"size"`   // of an upload's file, bytes
}

// The calls whose acknowledgements are held against the database afterwards.
const (
	uploadCall = "upload"
	voteCall   = "vote"
)

// acknowledged reports whether the platform has said that it keeps what it was asked to.
func (e entry) acknowledged() bool {
	return e.Call == uploadCall && e.Status == 201 || e.Call == voteCall && e.Status == 200
}

// readJournal reads what a generator has written. The last line may be cut off, if the generator was; any other that
// cannot be read is an error, since it may be an acknowledgement. A generator that has not written anything has no file.
func readJournal(path string) ([]entry, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	defer func() { _ = f.Close() }()
	var entries []entry
	var bad error
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if bad != nil {
			return nil, bad
		}
		line := lines.Text()
		if strings.TrimSpace(line) == "" {
			continue
		}
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			bad = fmt.Errorf("the journal has a line that is not an entry: %q", line)
			continue
		}
		entries = append(entries, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	return entries, nil
}

package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"risingstars/internal/contest"
)

type audit struct {
	Before int64  `placeholder:"ID" help:"Only lines before this one: the next page of a list."`
	Limit  int    `default:"100" placeholder:"N" help:"How many lines are listed at most."`
	Player int64  `placeholder:"ID" help:"Only what was about this player."`
	Action string `placeholder:"WORD" help:"Only this action, such as signed_in, video_published or votes_voided; another word lists all."`
	JSON   bool   `name:"json" help:"One JSON object a line, for programs."`
}

// listedAct is a line of audit --json. Fields may be added, but not renamed or removed.
type listedAct struct {
	ID       int64     `json:"id"`
	At       time.Time `json:"at"`
	Actor    string    `json:"actor"`
	Action   string    `json:"action"`
	PlayerID int64     `json:"player_id,omitempty"`
	VideoID  int64     `json:"video_id,omitempty"`
	Detail   string    `json:"detail,omitempty"`
}

// Run lists the audit log, newest entry first.
func (c audit) Run(r *runner) (err error) {
	if c.Limit < 1 || c.Before < 0 || c.Player < 0 {
		return errors.New("--limit must be 1 or more, and ids no less than 0")
	}
	if err := knownAction(c.Action); err != nil {
		return err
	}
	d, err := openCurrent(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	acts, err := d.store.AuditEntries(r.ctx, contest.AuditQuery{
		Before: c.Before, PlayerID: c.Player, Action: contest.Action(c.Action), Limit: c.Limit,
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return c.lines(r, acts)
	}
	return c.table(r, acts)
}

// knownAction returns an error that lists the known actions if the word is not one of them.
func knownAction(word string) error {
	known := contest.AllActions()
	if word == "" || slices.Contains(known, contest.Action(word)) {
		return nil
	}
	words := make([]string, len(known))
	for i, a := range known {
		words[i] = string(a)
	}
	return fmt.Errorf("--action %s is none; the actions are: %s", word, strings.Join(words, ", "))
}

func (c audit) lines(r *runner, acts []contest.AuditEntry) error {
	encoder := json.NewEncoder(r.out)
	for _, a := range acts {
		err := encoder.Encode(listedAct{a.ID, a.At, string(a.Actor), string(a.Action), a.PlayerID, a.VideoID, a.Detail})
		if err != nil {
			return fmt.Errorf("write a line: %w", err)
		}
	}
	return nil
}

func (c audit) table(r *runner, acts []contest.AuditEntry) error {
	if len(acts) == 0 {
		_, err := fmt.Fprintln(r.out, "There are no such lines.")
		return err
	}
	table := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tWHEN\tWHO\tACTION\tPLAYER\tVIDEO\tDETAIL")
	for _, a := range acts {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", a.ID, a.At.Format(time.RFC3339), a.Actor, a.Action,
			idOrNone(a.PlayerID), idOrNone(a.VideoID), printable(a.Detail))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	if len(acts) < c.Limit {
		return nil
	}
	_, err := fmt.Fprintf(r.out, "The next page: --before=%d\n", acts[len(acts)-1].ID)
	return err
}

func idOrNone(id int64) string {
	if id == 0 {
		return "-"
	}
	return fmt.Sprint(id)
}

// noted wraps the queue's pages so that each request that may change something is first entered in the audit log. If
// that fails, the request is refused with 503. The entry has the method and the path; the job ids are in the queue's
// own records.
func (p *platform) noted(pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			err := p.data.store.RecordAuditEntry(r.Context(), contest.AuditEntry{
				At: time.Now().UTC(), Actor: contest.ByOrganizer, Action: contest.ChangedQueue, Detail: asked(r),
			})
			if err != nil {
				p.log.Error("note what an organizer asks", "error", err)
				http.Error(w, "the audit log does not take it", http.StatusServiceUnavailable)
				return
			}
		}
		pages.ServeHTTP(w, r)
	})
}

// maxAsked bounds the method and path in the audit log, in bytes.
const maxAsked = 200

func asked(r *http.Request) string {
	text := r.Method + " " + r.URL.EscapedPath()
	return text[:min(len(text), maxAsked)]
}

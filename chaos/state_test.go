package chaos

import (
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"risingstars/internal/contest"
	"risingstars/internal/testkit/history"
)

// video is what the owner of a video sees.
type video struct {
	ID      int64   `json:"video_id"`
	Title   string  `json:"title"`
	Status  string  `json:"status"`
	Failure *string `json:"failure_reason"`
	Votes   int     `json:"votes"`
}

// state returns the state of the platform, from the API where the API shows it, otherwise from rows and files.
func (w *world) state(l *load) history.State {
	w.Helper()
	s := history.State{Ranking: w.ranking(l), Objects: w.objects(), WorkFiles: w.left()}
	s.Accounts = rows(w, `SELECT email FROM players`, func(r *sql.Rows) (email string, err error) { return email, r.Scan(&email) })
	s.Votes = rows(w, `SELECT p.email, v.video_id FROM votes AS v JOIN players AS p ON p.id = v.voter_id`,
		func(r *sql.Rows) (v history.VoteOf, err error) { return v, r.Scan(&v.Voter, &v.VideoID) })
	known := map[int64]history.Video{}
	for _, v := range w.videoRows() {
		known[v.ID] = v
	}
	for _, star := range l.stars {
		var list []video
		w.read(l, star, "/api/videos", &list)
		for _, listed := range list {
			var v video
			w.read(l, star, fmt.Sprintf("/api/videos/%d", listed.ID), &v)
			row := known[v.ID]
			delete(known, v.ID)
			row.ID, row.Owner, row.Title, row.Status, row.Votes = v.ID, star.email, v.Title, v.Status, v.Votes
			if v.Failure != nil {
				row.FailureReason = *v.Failure
			}
			s.Videos = append(s.Videos, row)
		}
	}
	for _, v := range known {
		s.Videos = append(s.Videos, v) // no user sees it; the checker reports it
	}
	return s
}

func (w *world) read(l *load, p person, path string, into any) {
	w.Helper()
	a := l.ask(w.Context(), l.random(99), request{method: http.MethodGet, path: path, token: p.token})
	if a.status != http.StatusOK {
		w.Fatalf("%s: %d %s", path, a.status, a.body)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		w.Fatalf("%s: %v", path, err)
	}
}

func (w *world) ranking(l *load) map[string]int {
	w.Helper()
	var list []struct {
		Username string `json:"username"`
		Votes    int    `json:"votes"`
	}
	w.read(l, person{}, "/api/public/rankings?limit=100", &list)
	ranking := map[string]int{}
	for _, row := range list {
		var i int
		if _, err := fmt.Sscanf(row.Username, "Star %d", &i); err != nil {
			w.Errorf("%q is in the ranking", row.Username)
		}
		ranking[starEmail(i)] += row.Votes
	}
	return ranking
}

// videoRows returns the videos with their jobs and the keys that their rows name.
func (w *world) videoRows() []history.Video {
	w.Helper()
	arg := `json_extract(j.args, '$.video_id')`
	if w.db.Listener != nil {
		arg = `CAST(j.args->>'video_id' AS BIGINT)`
	}
	return rows(w, `
		SELECT v.id, v.title, v.status, v.token, v.format, v.run,
			(SELECT count(*) FROM river_job AS j WHERE `+arg+` = v.id AND j.state = 'completed'),
			(SELECT count(*) FROM river_job AS j WHERE `+arg+` = v.id AND j.state NOT IN ('completed', 'cancelled', 'discarded'))
		FROM videos AS v`, func(r *sql.Rows) (v history.Video, err error) {
		var m contest.Media
		err = r.Scan(&v.ID, &v.Title, &v.Status, &m.Token, &m.Format, &m.Run, &v.CompletedJobs, &v.OpenJobs)
		v.Objects = []string{m.OriginalKey()}
		if original, err := os.ReadFile(filepath.Join(w.media, m.OriginalKey())); err == nil { // the checker reports a lost object
			v.Content = fingerprint(original)
		}
		if m.Run != "" {
			v.Objects = append(v.Objects, m.RenditionKey(), m.PosterKey())
		}
		return v, err
	})
}

// fingerprint identifies the content of an original.
func fingerprint(content []byte) string { return fmt.Sprintf("%x", sha256.Sum256(content)) }

// objects returns the files in the media folder, except the mark of the storage's owner.
func (w *world) objects() (keys []string) {
	w.Helper()
	for _, path := range w.files(w.media) {
		if !strings.HasPrefix(path, "contest/") {
			keys = append(keys, path)
		}
	}
	return keys
}

// left returns the work files of the nodes. Resumable uploads are not among them, since they may take a day.
func (w *world) left() (paths []string) {
	w.Helper()
	for _, n := range w.nodes {
		for _, path := range w.files(filepath.Join(n.dataDir, "work")) {
			paths = append(paths, n.name+"/"+path)
		}
	}
	return paths
}

func (w *world) files(folder string) (list []string) {
	w.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted during the walk, or never created
		}
		if err == nil && !entry.IsDir() {
			var rel string
			rel, err = filepath.Rel(folder, path)
			list = append(list, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return list
}

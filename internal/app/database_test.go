package app_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"risingstars/internal/store"
)

// row is what the database stores of a video and its jobs.
type row struct {
	ID                 int64
	Status             string
	Token, Format, Run string
	Jobs               int    // number of jobs
	State              string // of the latest job
	Attempt            int    // of the latest job
}

// rows reads all videos.
func rows(tb testing.TB, dataDir string) (list []row) {
	tb.Helper()
	db := must(store.OpenSQLite(tb.Context(), filepath.Join(dataDir, "risingstars.db")))(tb)
	defer func() { check(tb, db.Close()) }()
	found := must(db.Readers.QueryContext(context.Background(), `
		SELECT v.id, v.status, v.token, v.format, v.run, j.state, j.attempt,
			(SELECT count(*) FROM river_job WHERE json_extract(args, '$.video_id') = v.id)
		FROM videos AS v JOIN river_job AS j ON j.id = v.task_id
		ORDER BY v.id`))(tb)
	defer found.Close()
	for found.Next() {
		var r row
		check(tb, found.Scan(&r.ID, &r.Status, &r.Token, &r.Format, &r.Run, &r.State, &r.Attempt, &r.Jobs))
		list = append(list, r)
	}
	check(tb, found.Err())
	return list
}

// objects returns the paths of the files that the videos should have in the media folder.
func objects(list []row) []string {
	paths := []string{}
	for _, r := range list {
		paths = append(paths, filepath.Join("videos", r.Token, "original."+r.Format))
		if r.Run != "" {
			paths = append(paths, r.clip(), filepath.Join("videos", r.Token, r.Run, "poster.jpg"))
		}
	}
	slices.Sort(paths)
	return paths
}

// ofVideos removes the mark of the storage's owner from a list of files.
func ofVideos(list []string) []string {
	return slices.DeleteFunc(list, func(name string) bool { return strings.HasPrefix(name, "contest/") })
}

// clip returns the path of the rendition in the media folder.
func (r row) clip() string { return filepath.Join("videos", r.Token, r.Run, "clip.mp4") }

// execute runs a statement on the database.
func execute(tb testing.TB, dataDir, query string, args ...any) {
	tb.Helper()
	db := must(store.OpenSQLite(tb.Context(), filepath.Join(dataDir, "risingstars.db")))(tb)
	_, err := db.Writer.ExecContext(tb.Context(), query, args...)
	check(tb, errors.Join(err, db.Close()))
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"risingstars/internal/testkit/history"
	"risingstars/loadtest/journal"
)

// countUnfinishedVideos counts the videos that are not processed yet.
func (t *target) countUnfinishedVideos(ctx context.Context) (n int, err error) {
	err = t.db.QueryRowContext(ctx, `SELECT count(*) FROM videos WHERE status IN ('uploaded', 'processing')`).Scan(&n)
	return n, err
}

// readState reads what database and storage hold. It does not look for objects without a row: the platform's sweep removes
// them later than a run can wait.
func (t *target) readState(ctx context.Context) (s history.State, err error) {
	if err = t.readVideos(ctx, &s); err != nil {
		return s, err
	}
	err = t.forEachRow(ctx, `SELECT email FROM players`, func(scan func(...any) error) error {
		var email string
		err := scan(&email)
		s.Accounts = append(s.Accounts, email)
		return err
	})
	if err != nil {
		return s, err
	}
	err = t.forEachRow(ctx, `SELECT p.email, v.video_id FROM votes AS v JOIN players AS p ON p.id = v.voter_id`,
		func(scan func(...any) error) error {
			var v history.VoteOf
			err := scan(&v.Voter, &v.VideoID)
			s.Votes = append(s.Votes, v)
			return err
		})
	if err != nil {
		return s, err
	}
	s.Ranking = map[string]int{}
	err = t.forEachRow(ctx, `SELECT p.email, s.votes FROM standings AS s JOIN players AS p ON p.id = s.player_id`,
		func(scan func(...any) error) error {
			var email string
			var votes int
			err := scan(&email, &votes)
			s.Ranking[email] = votes
			return err
		})
	return s, err
}

// readVideos reads the videos with their jobs and the objects that they name, and which of these are in the storage.
func (t *target) readVideos(ctx context.Context, s *history.State) error {
	completed, open, err := t.countJobsByVideo(ctx)
	if err != nil {
		return err
	}
	return t.forEachRow(ctx, `
		SELECT v.id, p.email, v.title, v.status, v.failure, v.votes, v.token, v.format, v.run
		FROM videos AS v JOIN players AS p ON p.id = v.player_id`,
		func(scan func(...any) error) error {
			var v history.Video
			var token, format, run string
			if err := scan(&v.ID, &v.Owner, &v.Title, &v.Status, &v.FailureReason, &v.Votes, &token, &format, &run); err != nil {
				return err
			}
			v.CompletedJobs, v.OpenJobs = completed[v.ID], open[v.ID]
			v.Objects = []string{originalKey(token, format)}
			if run != "" {
				v.Objects = append(v.Objects, filepath.Join("videos", token, run, "clip.mp4"), filepath.Join("videos", token, run, "poster.jpg"))
			}
			for _, key := range v.Objects {
				if fileHasContent(filepath.Join(t.mediaDir, key)) {
					s.Objects = append(s.Objects, key)
				}
			}
			if size, mark := sizeAndMarkOf(filepath.Join(t.mediaDir, v.Objects[0])); size >= 0 {
				v.Content = journal.Fingerprint(size, mark)
			}
			s.Videos = append(s.Videos, v)
			return nil
		})
}

// originalKey is where the storage keeps the original of a video.
func originalKey(token, format string) string {
	return filepath.Join("videos", token, "original."+format)
}

// countJobsByVideo counts the jobs of each video that have ended with success, and those that have not ended.
func (t *target) countJobsByVideo(ctx context.Context) (completed, open map[int64]int, err error) {
	video := `CAST(args->>'video_id' AS BIGINT)`
	if t.kind == embedded {
		video = `json_extract(args, '$.video_id')`
	}
	completed, open = map[int64]int{}, map[int64]int{}
	err = t.forEachRow(ctx, `SELECT `+video+`, state, count(*) FROM river_job WHERE `+video+` IS NOT NULL GROUP BY 1, 2`,
		func(scan func(...any) error) error {
			var id int64
			var state string
			var n int
			err := scan(&id, &state, &n)
			switch state {
			case "completed":
				completed[id] += n
			case "cancelled", "discarded":
			default:
				open[id] += n
			}
			return err
		})
	return completed, open, err
}

// forEachRow calls read for every row of a query.
func (t *target) forEachRow(ctx context.Context, query string, read func(scan func(...any) error) error) error {
	rows, err := t.db.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err below has the error
	for rows.Next() {
		if err := read(rows.Scan); err != nil {
			return fmt.Errorf("read the state: %w", err)
		}
	}
	return rows.Err()
}

// sizeAndMarkOf is a file's size and the mark at its end; -1 if there is no file.
func sizeAndMarkOf(path string) (size int64, mark string) {
	f, err := os.Open(path)
	if err != nil {
		return -1, ""
	}
	defer func() { _ = f.Close() }()
	stat, err := f.Stat()
	if err != nil {
		return -1, ""
	}
	end := make([]byte, min(journal.MarkBytes, stat.Size()))
	if _, err := f.ReadAt(end, stat.Size()-int64(len(end))); err != nil {
		return -1, ""
	}
	return stat.Size(), string(end)
}

func fileHasContent(path string) bool {
	stat, err := os.Stat(path)
	return err == nil && stat.Size() > 0
}

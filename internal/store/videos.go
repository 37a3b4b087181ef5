package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"time"

	"risingstars/internal/contest"
)

const videoColumns = `id, player_id, task_id, title, status, failure, hidden, votes, token, format, size, run, progress, uploaded_at, processed_at, published_at`

func scanVideo(row scanner) (contest.Video, error) {
	var v contest.Video
	err := row.Scan(&v.ID, &v.PlayerID, &v.TaskID, &v.Title, &v.Status, &v.Failure, &v.Hidden, &v.Votes,
		&v.Media.Token, &v.Media.Format, &v.Media.Size, &v.Media.Run, &v.Progress,
		(*timestamp)(&v.UploadedAt), (*timestamp)(&v.ProcessedAt), (*timestamp)(&v.PublishedAt))
	return v, err
}

// AddVideo implements [contest.VideoStore]: it inserts the video and its job.
func (s *Store) AddVideo(ctx context.Context, v contest.Video) (contest.Video, error) {
	err := s.write(ctx, "add_video", func(ctx context.Context, tx *sql.Tx) error {
		return s.addVideo(ctx, tx, &v)
	})
	return v, err
}

// AddVideoFromPartialUpload implements [contest.VideoStore]: it inserts the video and its job and finishes the upload.
func (s *Store) AddVideoFromPartialUpload(ctx context.Context, v contest.Video, partialID string) (contest.Video, error) {
	err := s.write(ctx, "add_video_from", func(ctx context.Context, tx *sql.Tx) error {
		if err := s.addVideo(ctx, tx, &v); err != nil {
			return err
		}
		return finishUpload(ctx, tx, partialID, v)
	})
	return v, err
}

func (s *Store) addVideo(ctx context.Context, tx *sql.Tx, v *contest.Video) error {
	owner, err := s.lockActivePlayer(ctx, tx, v.PlayerID)
	if err != nil {
		return err
	}
	if err := s.fits(tx.QueryRowContext(ctx, unpublished, v.PlayerID), v.Media.Size); err != nil {
		return err
	}
	err = tx.QueryRowContext(ctx, `
		INSERT INTO videos (player_id, task_id, title, status, failure, votes, token, format, size, run,
			city_key, search_key, uploaded_at)
		VALUES ($1, '', $2, 'uploaded', '', 0, $3, $4, $5, '', $6, $7, $8)
		RETURNING id`,
		v.PlayerID, v.Title, v.Media.Token, string(v.Media.Format), v.Media.Size,
		fold(owner.City), fold(v.Title+" "+owner.PublicName()), timestamp(v.UploadedAt),
	).Scan(&v.ID)
	if err != nil {
		return err
	}
	v.TaskID, err = s.enqueue(ctx, tx, v.ID)
	return err
}

// unpublished sums the bytes of a player's originals that are neither public nor hidden.
const unpublished = `SELECT CAST(COALESCE(sum(size), 0) AS BIGINT) FROM videos WHERE player_id = $1 AND status <> 'public' AND hidden = ''`

// CheckQuota implements [contest.VideoStore].
func (s *Store) CheckQuota(ctx context.Context, playerID, bytes int64, now time.Time) error {
	_, err := one(ctx, s, "room", func(row scanner) (_ int64, err error) {
		return 0, s.fits(row, bytes)
	}, nil, taken, playerID, timestamp(now))
	return err
}

// taken sums unpublished and the bytes of the uploads under way.
const taken = `SELECT (` + unpublished + `) + (
	SELECT CAST(COALESCE(sum(size), 0) AS BIGINT) FROM uploads WHERE player_id = $1 AND expires_at > $2 AND video_id = 0)`

// fits applies the quota: it returns contest.ErrQuotaExceeded if the bytes do not fit beside those that are taken.
func (s *Store) fits(taken scanner, bytes int64) error {
	var there int64
	if err := taken.Scan(&there); err != nil {
		return err
	}
	if s.maxUnpublished > 0 && there+bytes > s.maxUnpublished {
		return contest.ErrQuotaExceeded
	}
	return nil
}

// enqueue gives the video a new job, the only one that may change it from now on. The job's priority depends on how
// many of the player's videos wait already (fair queueing): a player's first video does not wait for another player's
// fiftieth.
func (s *Store) enqueue(ctx context.Context, tx *sql.Tx, videoID int64) (string, error) {
	var before int
	err := tx.QueryRowContext(ctx, `
		SELECT count(*) FROM videos AS other
		WHERE other.player_id = (SELECT player_id FROM videos WHERE id = $1) AND other.id <> $1
			AND other.status IN ('uploaded', 'processing')`, videoID).Scan(&before)
	if err != nil {
		return "", fmt.Errorf("count what waits: %w", err)
	}
	taskID, err := s.queue.EnqueueTx(ctx, tx, contest.ProcessVideo{VideoID: videoID}, before)
	if err != nil {
		return "", fmt.Errorf("enqueue: %w", err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE videos SET task_id = $1 WHERE id = $2`, taskID, videoID)
	return taskID, err
}

// VideoByID implements [contest.VideoStore].
func (s *Store) VideoByID(ctx context.Context, id int64) (contest.Video, error) {
	return one(ctx, s, "video", scanVideo, contest.ErrNoVideo,
		`SELECT `+videoColumns+` FROM videos WHERE id = $1`, id)
}

// VideoByToken implements [contest.VideoStore].
func (s *Store) VideoByToken(ctx context.Context, token string) (contest.Video, error) {
	return one(ctx, s, "video_by_token", scanVideo, contest.ErrNoVideo,
		`SELECT `+videoColumns+` FROM videos WHERE token = $1`, token)
}

// VideosOfPlayer implements [contest.VideoStore].
func (s *Store) VideosOfPlayer(ctx context.Context, playerID int64) ([]contest.Video, error) {
	return many(ctx, s, "videos_of", scanVideo,
		`SELECT `+videoColumns+` FROM videos WHERE player_id = $1 ORDER BY uploaded_at DESC, id DESC`, playerID)
}

// PublishVideo implements [contest.VideoStore].
func (s *Store) PublishVideo(ctx context.Context, id int64, at time.Time) (contest.Video, error) {
	var v contest.Video
	err := s.write(ctx, "publish", func(ctx context.Context, tx *sql.Tx) (err error) {
		// Lock the player's row, so that a change of its city or a suspension comes before this transaction or after
		// it.
		p, err := s.lockActivePlayerOf(ctx, tx, id)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO standings (player_id, city_key, votes, reached_at)
			SELECT id, city_key, 0, $1 FROM players WHERE id = $2
			ON CONFLICT (player_id) DO NOTHING`, timestamp(at), p.ID)
		if err != nil {
			return err
		}
		v, err = scanVideo(tx.QueryRowContext(ctx, `
			UPDATE videos SET status = 'public', published_at = $1
			WHERE id = $2 AND status = 'processed' AND hidden = ''
			RETURNING `+videoColumns, timestamp(at), id))
		if errors.Is(err, sql.ErrNoRows) {
			v, err = videoNow(ctx, tx, id)
			if err != nil {
				return err
			}
			return v.CanPublish() // already public: nothing to do
		}
		if err != nil {
			return err
		}
		return note(ctx, tx, contest.AuditEntry{
			At: at, Actor: contest.ByPlayer, Action: contest.PublishedVideo, PlayerID: v.PlayerID, VideoID: id,
		})
	})
	return v, err
}

// RequeueVideo implements [contest.VideoStore].
func (s *Store) RequeueVideo(ctx context.Context, id int64) (contest.Video, error) {
	return s.requeue(ctx, id, func(context.Context, *sql.Tx, contest.Video) error { return nil })
}

// RequeueVideoForOrganizer implements [contest.VideoStore].
func (s *Store) RequeueVideoForOrganizer(ctx context.Context, id int64, at time.Time) (contest.Video, error) {
	return s.requeue(ctx, id, func(ctx context.Context, tx *sql.Tx, v contest.Video) error {
		return note(ctx, tx, contest.AuditEntry{
			At: at, Actor: contest.ByOrganizer, Action: contest.RetriedVideo, PlayerID: v.PlayerID, VideoID: id,
		})
	})
}

func (s *Store) requeue(ctx context.Context, id int64, also func(context.Context, *sql.Tx, contest.Video) error) (contest.Video, error) {
	var v contest.Video
	err := s.write(ctx, "requeue", func(ctx context.Context, tx *sql.Tx) (err error) {
		if err := s.keepPlayerOf(ctx, tx, id); err != nil {
			return err
		}
		v, err = scanVideo(tx.QueryRowContext(ctx, `
			UPDATE videos SET status = 'uploaded', failure = '', holder = '', progress = 0, interruptions = 0
			WHERE id = $1 AND status = 'failed'
			RETURNING `+videoColumns, id))
		if errors.Is(err, sql.ErrNoRows) {
			return stateRefusal(ctx, tx, id, contest.Video.CanRetry)
		}
		if err != nil {
			return err
		}
		if v.TaskID, err = s.enqueue(ctx, tx, id); err != nil {
			return err
		}
		return also(ctx, tx, v)
	})
	return v, err
}

// DeleteVideo implements [contest.VideoStore].
func (s *Store) DeleteVideo(ctx context.Context, id int64) error {
	return s.write(ctx, "delete_video", func(ctx context.Context, tx *sql.Tx) error {
		var playerID int64
		err := tx.QueryRowContext(ctx,
			`DELETE FROM videos WHERE id = $1 AND status <> 'public' AND hidden = '' RETURNING player_id`, id).Scan(&playerID)
		if errors.Is(err, sql.ErrNoRows) {
			return stateRefusal(ctx, tx, id, contest.Video.CanDelete)
		}
		if err != nil {
			return err
		}
		return note(ctx, tx, contest.AuditEntry{
			At: s.clock(), Actor: contest.ByPlayer, Action: contest.DeletedVideo, PlayerID: playerID, VideoID: id,
		})
	})
}

// MediaByTokens implements [contest.VideoStore].
func (s *Store) MediaByTokens(ctx context.Context, tokens []string) ([]contest.Media, error) {
	if len(tokens) == 0 {
		return nil, nil
	}
	// Repeat the last token up to a power of two, so that there are few SQL texts: each connection caches every text
	// that it sees.
	places := make([]string, 1<<bits.Len(uint(len(tokens)-1)))
	args := make([]any, len(places))
	for i := range places {
		places[i], args[i] = fmt.Sprintf("$%d", i+1), tokens[min(i, len(tokens)-1)]
	}
	return many(ctx, s, "media_of", func(row scanner) (m contest.Media, err error) {
		return m, row.Scan(&m.Token, &m.Format, &m.Size, &m.Run)
	}, `SELECT token, format, size, run FROM videos WHERE token IN (`+strings.Join(places, ", ")+`)`, args...)
}

// stateRefusal returns why a guarded statement changed no row: [contest.ErrNoVideo], or the refusal of the rule.
func stateRefusal(ctx context.Context, tx *sql.Tx, id int64, rule func(contest.Video) error) error {
	v, err := videoNow(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := rule(v); err != nil {
		return err
	}
	return fmt.Errorf("video %d in state %s was left as it is", id, v.Status)
}

func videoNow(ctx context.Context, tx *sql.Tx, id int64) (contest.Video, error) {
	v, err := scanVideo(tx.QueryRowContext(ctx, `SELECT `+videoColumns+` FROM videos WHERE id = $1`, id))
	return v, orNone(err, contest.ErrNoVideo)
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"risingstars/internal/contest"
)

// Votes that do not count are in votes_set_aside, so queries on votes need no condition. A moderation decision that
// moves votes between the tables is rare. It reads all votes and rebuilds the player's chain (recount), so it need not
// keep the chain intact. Voiding the votes of one voter withdraws them one by one instead.

// errTrial rolls back a dry run.
var errTrial = errors.New("only a trial")

// letIn is the pause after a decision on SQLite, and the duration from which a decision needs one.
const letIn = 150 * time.Millisecond

// letOthersIn pauses after a long decision on SQLite, so that other processes can write before the next decision. While
// the database is locked they retry every 100 ms, and fail after 5 s.
func (s *Store) letOthersIn(ctx context.Context, begin time.Time) {
	if s.crowds != nil || time.Since(begin) < letIn {
		return
	}
	select {
	case <-time.After(letIn):
	case <-ctx.Done():
	}
}

// decide runs do as write does, and rolls back if the decision is a dry run.
func (s *Store) decide(ctx context.Context, operation string, d contest.Decision, do func(context.Context, *sql.Tx) error) error {
	defer s.letOthersIn(ctx, time.Now())
	err := s.write(ctx, operation, func(ctx context.Context, tx *sql.Tx) error {
		if err := do(ctx, tx); err != nil {
			return err
		}
		if d.DryRun {
			return errTrial
		}
		return nil
	})
	if errors.Is(err, errTrial) {
		return nil
	}
	return err
}

// HideVideo implements [contest.ModerationStore].
func (s *Store) HideVideo(ctx context.Context, id int64, d contest.Decision) (e contest.Effect, err error) {
	err = s.decide(ctx, "hide_video", d, func(ctx context.Context, tx *sql.Tx) error {
		v, err := videoNow(ctx, tx, id)
		if err != nil {
			return err
		}
		e, err = s.affect(ctx, tx, v.PlayerID, func(e *contest.Effect) error {
			if e.Videos, err = changeVideos(ctx, tx, `
				UPDATE videos SET status = 'processed', hidden = 'video'
				WHERE id = $1 AND (status = 'public' OR hidden = 'account')`, id); err != nil {
				return err
			}
			if len(e.Videos) == 0 {
				return stateRefusal(ctx, tx, id, contest.Video.CanHide)
			}
			e.Votes, err = setAside(ctx, tx, "hidden", `player_id = $1 AND video_id = $2`, v.PlayerID, id)
			return err
		})
		if err != nil {
			return err
		}
		return note(ctx, tx, d.AuditEntry(contest.HidVideo, v.PlayerID, id, ""))
	})
	return e, err
}

// UnhideVideo implements [contest.ModerationStore].
func (s *Store) UnhideVideo(ctx context.Context, id int64, d contest.Decision) (e contest.Effect, err error) {
	err = s.decide(ctx, "show_video", d, func(ctx context.Context, tx *sql.Tx) error {
		v, err := videoNow(ctx, tx, id)
		if err != nil {
			return err
		}
		e, err = s.affect(ctx, tx, v.PlayerID, func(e *contest.Effect) error {
			if e.Videos, err = changeVideos(ctx, tx,
				`UPDATE videos SET status = 'public', hidden = '' WHERE id = $1 AND hidden = 'video'`, id); err != nil {
				return err
			}
			switch {
			case len(e.Videos) == 0:
				return stateRefusal(ctx, tx, id, contest.Video.CanUnhide)
			case e.Player.IsSuspended():
				return contest.ErrAccountSuspended
			}
			e.Votes, err = bringBack(ctx, tx, `why = 'hidden' AND player_id = $1 AND video_id = $2`, v.PlayerID, id)
			return err
		})
		if err != nil {
			return err
		}
		return note(ctx, tx, d.AuditEntry(contest.UnhidVideo, v.PlayerID, id, ""))
	})
	return e, err
}

// SuspendAccount implements [contest.ModerationStore].
func (s *Store) SuspendAccount(ctx context.Context, playerID int64, d contest.Decision) (e contest.Effect, err error) {
	err = s.decide(ctx, "shut_account", d, func(ctx context.Context, tx *sql.Tx) error {
		e, err = s.affect(ctx, tx, playerID, func(e *contest.Effect) error {
			err := change(ctx, tx, contest.ErrAccountSuspended, `
				UPDATE players SET shut_at = $1, generation = generation + 1 WHERE id = $2 AND shut_at IS NULL`,
				timestamp(d.At), playerID)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE player_id = $1`, playerID); err != nil {
				return err
			}
			if e.Videos, err = changeVideos(ctx, tx,
				`UPDATE videos SET status = 'processed', hidden = 'account' WHERE player_id = $1 AND status = 'public'`, playerID); err != nil {
				return err
			}
			e.Votes, err = setAside(ctx, tx, "hidden", `player_id = $1`, playerID)
			return err
		})
		if err != nil {
			return err
		}
		return note(ctx, tx, d.AuditEntry(contest.SuspendedAccount, playerID, 0, ""))
	})
	return e, err
}

// ReinstateAccount implements [contest.ModerationStore].
func (s *Store) ReinstateAccount(ctx context.Context, playerID int64, d contest.Decision) (e contest.Effect, err error) {
	err = s.decide(ctx, "open_account", d, func(ctx context.Context, tx *sql.Tx) error {
		e, err = s.affect(ctx, tx, playerID, func(e *contest.Effect) error {
			err := change(ctx, tx, contest.ErrAccountNotSuspended,
				`UPDATE players SET shut_at = NULL WHERE id = $1 AND shut_at IS NOT NULL`, playerID)
			if err != nil {
				return err
			}
			if e.Videos, err = changeVideos(ctx, tx,
				`UPDATE videos SET status = 'public', hidden = '' WHERE player_id = $1 AND hidden = 'account'`, playerID); err != nil {
				return err
			}
			e.Votes, err = bringBack(ctx, tx, `why = 'hidden' AND player_id = $1`, playerID)
			return err
		})
		if err != nil {
			return err
		}
		return note(ctx, tx, d.AuditEntry(contest.ReinstatedAccount, playerID, 0, ""))
	})
	return e, err
}

// affect changes which votes for a player count, and then recounts the player.
func (s *Store) affect(ctx context.Context, tx *sql.Tx, playerID int64, do func(*contest.Effect) error) (contest.Effect, error) {
	return s.decideOn(ctx, tx, playerID, 0, func(e *contest.Effect) error {
		if err := do(e); err != nil {
			return err
		}
		if err := recount(ctx, tx, playerID); err != nil {
			return fmt.Errorf("recount: %w", err)
		}
		return nil
	})
}

// decideOn runs do with the player's row and standing locked until commit, and the voter (0 for all whose votes for the
// player do not count) locked against deletion: no vote for the player is cast or withdrawn, and the player neither
// publishes a video nor changes the city. It returns the score before and after.
func (s *Store) decideOn(ctx context.Context, tx *sql.Tx, playerID, voterID int64, do func(*contest.Effect) error) (e contest.Effect, err error) {
	if e.Player, err = s.lockPlayer(ctx, tx, playerID); err != nil {
		if errors.Is(err, contest.ErrNotSignedIn) {
			err = contest.ErrNoPlayer
		}
		return e, err
	}
	if err := s.keepVoters(ctx, tx, playerID, voterID); err != nil {
		return e, err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE standings SET before_at = reached_at, decided = decided + 1 WHERE player_id = $1`, playerID); err != nil {
		return e, err
	}
	if e.Before, err = tally(ctx, tx, playerID); err != nil {
		return e, err
	}
	if err := do(&e); err != nil {
		return e, err
	}
	e.After, err = tally(ctx, tx, playerID)
	return e, err
}

func tally(ctx context.Context, tx *sql.Tx, playerID int64) (t contest.PlayerScore, err error) {
	err = tx.QueryRowContext(ctx, `SELECT votes FROM standings WHERE player_id = $1`, playerID).Scan(&t.Votes)
	if errors.Is(err, sql.ErrNoRows) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	return t, tx.QueryRowContext(ctx, placeOf, playerID).Scan(&t.Position)
}

// changeVideos runs an UPDATE of videos and returns the rows that it changed.
func changeVideos(ctx context.Context, tx *sql.Tx, update string, id int64) ([]contest.Video, error) {
	rows, err := tx.QueryContext(ctx, update+` RETURNING `+videoColumns, id)
	if err != nil {
		return nil, err
	}
	return all(rows, scanVideo)
}

// setAside moves votes to votes_set_aside and returns how many. A vote that is there already stays as it is: a program
// from before votes_set_aside lets a voter cast a void vote again.
func setAside(ctx context.Context, tx *sql.Tx, why, where string, args ...any) (votes int, err error) {
	if err := copyAside(ctx, tx, why, where, args...); err != nil {
		return 0, err
	}
	return affected(tx.ExecContext(ctx, `DELETE FROM votes WHERE `+where, args...))
}

func copyAside(ctx context.Context, tx *sql.Tx, why, where string, args ...any) error {
	//nolint:gosec // fixed texts
	_, err := tx.ExecContext(ctx, `
		INSERT INTO votes_set_aside (voter_id, video_id, player_id, voted_at, origin, voter_age, why)
		SELECT voter_id, video_id, player_id, voted_at, origin, voter_age, '`+why+`' FROM votes WHERE `+where+`
		ON CONFLICT (voter_id, video_id) DO NOTHING`, args...)
	return err
}

// bringBack moves votes for public videos back to votes, without their place in the chain, and returns how many. It
// deletes the votes of voters that no longer exist, because a program from before votes_set_aside does not delete them
// with the account.
func bringBack(ctx context.Context, tx *sql.Tx, where string, args ...any) (votes int, err error) {
	where += ` AND video_id IN (SELECT id FROM videos WHERE status = 'public')`
	//nolint:gosec // fixed texts
	_, err = tx.ExecContext(ctx, `
		DELETE FROM votes_set_aside WHERE `+where+`
		AND NOT EXISTS (SELECT 1 FROM players WHERE players.id = voter_id)`, args...)
	if err != nil {
		return 0, err
	}
	//nolint:gosec // fixed texts
	_, err = tx.ExecContext(ctx, `
		INSERT INTO votes (voter_id, video_id, player_id, voted_at, before_at, origin, voter_age)
		SELECT voter_id, video_id, player_id, voted_at, voted_at, origin, voter_age FROM votes_set_aside WHERE `+where+`
		ON CONFLICT (voter_id, video_id) DO NOTHING`, args...)
	if err != nil {
		return 0, err
	}
	return affected(tx.ExecContext(ctx, `DELETE FROM votes_set_aside WHERE `+where, args...))
}

// affected returns how many rows a statement changed.
func affected(result sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

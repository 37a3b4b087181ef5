package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"risingstars/internal/contest"
)

// PlayersVotedFor implements [contest.ModerationStore].
func (s *Store) PlayersVotedFor(ctx context.Context, q contest.VoteSelection, void bool) ([]int64, error) {
	where, args := selectedVotes(q)
	query := `SELECT player_id FROM votes WHERE ` + where + `
		UNION SELECT player_id FROM votes_set_aside WHERE ` + where + ` AND why = 'hidden'
		ORDER BY player_id`
	if void {
		query = `SELECT DISTINCT player_id FROM votes_set_aside WHERE ` + where + ` AND why = 'void' ORDER BY player_id`
	}
	return many(ctx, s, "players_voted_for", func(row scanner) (id int64, err error) { return id, row.Scan(&id) }, query, args...)
}

// VoidVotes implements [contest.ModerationStore].
func (s *Store) VoidVotes(ctx context.Context, q contest.VoteSelection, d contest.Decision) (e contest.Effect, err error) {
	where, args := selectedVotes(q)
	on, void := s.affect, voidAll
	if q.VoterID != 0 {
		void = voidEach
		on = func(ctx context.Context, tx *sql.Tx, playerID int64, do func(*contest.Effect) error) (contest.Effect, error) {
			return s.decideOn(ctx, tx, playerID, q.VoterID, do)
		}
	}
	err = s.decide(ctx, "void_votes", d, func(ctx context.Context, tx *sql.Tx) error {
		e, err = on(ctx, tx, q.PlayerID, func(e *contest.Effect) error {
			// Update votes_set_aside before void adds rows to it, which this statement would have to read again.
			hidden, err := affected(tx.ExecContext(ctx,
				`UPDATE votes_set_aside SET why = 'void' WHERE `+where+` AND why = 'hidden'`, args...))
			if err != nil {
				return err
			}
			counting, err := void(ctx, tx, where, args)
			e.Votes = hidden + counting
			return err
		})
		return noteVotes(ctx, tx, q, d, contest.VoidedVotes, e, err)
	})
	return e, err
}

// voidAll moves the selected votes to votes_set_aside. The caller recounts the player.
func voidAll(ctx context.Context, tx *sql.Tx, where string, args []any) (votes int, err error) {
	return setAside(ctx, tx, "void", where, args...)
}

// voidEach voids the votes of one voter for a player by withdrawing each. They are few, and withdrawing reads no other
// votes.
func voidEach(ctx context.Context, tx *sql.Tx, where string, args []any) (votes int, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT video_id, voter_id FROM votes WHERE `+where+` ORDER BY video_id`, args...) //nolint:gosec // fixed texts
	if err != nil {
		return 0, err
	}
	list, err := all(rows, func(row scanner) (pair [2]int64, err error) { return pair, row.Scan(&pair[0], &pair[1]) })
	if err != nil {
		return 0, err
	}
	if err := copyAside(ctx, tx, "void", where, args...); err != nil {
		return 0, err
	}
	for _, pair := range list {
		if _, err := takeBack(ctx, tx, pair[0], pair[1]); err != nil {
			return 0, fmt.Errorf("take back: %w", err)
		}
	}
	return len(list), nil
}

// ReinstateVotes implements [contest.ModerationStore]. Votes for a hidden video count again when it is unhidden.
func (s *Store) ReinstateVotes(ctx context.Context, q contest.VoteSelection, d contest.Decision) (e contest.Effect, err error) {
	where, args := selectedVotes(q)
	err = s.decide(ctx, "restore_votes", d, func(ctx context.Context, tx *sql.Tx) error {
		e, err = s.affect(ctx, tx, q.PlayerID, func(e *contest.Effect) error {
			hidden, err := affected(tx.ExecContext(ctx, `
				UPDATE votes_set_aside SET why = 'hidden'
				WHERE `+where+` AND why = 'void' AND video_id IN (SELECT id FROM videos WHERE status <> 'public')`, args...))
			if err != nil {
				return err
			}
			counting, err := bringBack(ctx, tx, where+` AND why = 'void'`, args...)
			e.Votes = hidden + counting
			return err
		})
		return noteVotes(ctx, tx, q, d, contest.ReinstatedVotes, e, err)
	})
	return e, err
}

// noteVotes writes the audit log unless no vote was changed: the votes may have been withdrawn before this transaction
// locked the standing.
func noteVotes(ctx context.Context, tx *sql.Tx, q contest.VoteSelection, d contest.Decision, action contest.Action, e contest.Effect, err error) error {
	if err != nil || e.Votes == 0 {
		return err
	}
	return note(ctx, tx, d.AuditEntry(action, q.PlayerID, q.VideoID, selectedWords(q, e.Votes)))
}

// selectedVotes returns the SQL condition of a selection and its arguments. It fits votes and votes_set_aside.
func selectedVotes(q contest.VoteSelection) (where string, args []any) {
	var conditions []string
	add := func(condition string, value any) {
		args = append(args, value)
		conditions = append(conditions, fmt.Sprintf(condition, len(args)))
	}
	if q.VideoID != 0 {
		add(`video_id = $%d`, q.VideoID)
	}
	if q.PlayerID != 0 {
		add(`player_id = $%d`, q.PlayerID)
	}
	if q.VoterID != 0 {
		add(`voter_id = $%d`, q.VoterID)
	}
	if q.Origin != "" {
		add(`origin = $%d`, q.Origin)
	}
	if q.Young > 0 {
		add(`voter_age >= 0 AND voter_age < $%d`, int64(q.Young/time.Second))
	}
	return strings.Join(conditions, " AND "), args
}

// selectedWords describes the selected votes for the audit log.
func selectedWords(q contest.VoteSelection, votes int) string {
	words := fmt.Sprintf("%d votes", votes)
	if q.VoterID != 0 {
		words += fmt.Sprintf(" of account %d", q.VoterID)
	}
	if q.Origin != "" {
		words += " from origin " + q.Origin
	}
	if q.Young > 0 {
		words += fmt.Sprintf(", of accounts younger than %s", q.Young)
	}
	return words
}

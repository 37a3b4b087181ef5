package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"risingstars/internal/contest"
)

// VoidVotes implements [contest.ModerationStore].
func (s *Store) VoidVotes(ctx context.Context, q contest.Selection, d contest.Decision) (list []contest.Effect, err error) {
	where, args := selectedVotes(q)
	err = s.decide(ctx, "void_votes", d, func(ctx context.Context, tx *sql.Tx) error {
		list, err = affectAll(ctx, tx, q, d, contest.VoidedVotes, `
			SELECT player_id FROM votes WHERE `+where+`
			UNION SELECT player_id FROM votes_set_aside WHERE `+where+` AND why = 'hidden'
			ORDER BY player_id`, args, voidFor)
		return err
	})
	return list, err
}

// voidFor voids those votes for one player. It begins with those that are set aside, so that it looks at none again.
func voidFor(ctx context.Context, tx *sql.Tx, where string, args []any) (votes int, err error) {
	hidden, err := affected(tx.ExecContext(ctx,
		`UPDATE votes_set_aside SET why = 'void' WHERE `+where+` AND why = 'hidden'`, args...))
	if err != nil {
		return 0, err
	}
	counting, err := setAside(ctx, tx, "void", where, args...)
	return hidden + counting, err
}

// RestoreVotes implements [contest.ModerationStore]. Those for a hidden video will count when it is shown.
func (s *Store) RestoreVotes(ctx context.Context, q contest.Selection, d contest.Decision) (list []contest.Effect, err error) {
	where, args := selectedVotes(q)
	err = s.decide(ctx, "restore_votes", d, func(ctx context.Context, tx *sql.Tx) error {
		list, err = affectAll(ctx, tx, q, d, contest.RestoredVotes,
			`SELECT DISTINCT player_id FROM votes_set_aside WHERE `+where+` AND why = 'void' ORDER BY player_id`, args, restoreFor)
		return err
	})
	return list, err
}

func restoreFor(ctx context.Context, tx *sql.Tx, where string, args []any) (votes int, err error) {
	hidden, err := affected(tx.ExecContext(ctx, `
		UPDATE votes_set_aside SET why = 'hidden'
		WHERE `+where+` AND why = 'void' AND video_id IN (SELECT id FROM videos WHERE status <> 'public')`, args...))
	if err != nil {
		return 0, err
	}
	counting, err := bringBack(ctx, tx, where+` AND why = 'void'`, args...)
	return hidden + counting, err
}

// selectedVotes is the condition of a selection, in votes as in those set aside.
func selectedVotes(q contest.Selection) (where string, args []any) {
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

// affectAll does something to the selected votes for each player that the query finds, in the order of their numbers, in which all
// do who change the votes for several. It notes each.
func affectAll(ctx context.Context, tx *sql.Tx, q contest.Selection, d contest.Decision, action contest.Action, players string, args []any,
	do func(ctx context.Context, tx *sql.Tx, where string, args []any) (votes int, err error),
) (list []contest.Effect, err error) {
	rows, err := tx.QueryContext(ctx, players, args...)
	if err != nil {
		return nil, err
	}
	ids, err := all(rows, func(row scanner) (id int64, err error) { return id, row.Scan(&id) })
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		ofPlayer := q
		ofPlayer.PlayerID = id
		where, args := selectedVotes(ofPlayer)
		e, err := affect(ctx, tx, id, func(e *contest.Effect) (err error) {
			e.Votes, err = do(ctx, tx, where, args)
			return err
		})
		if err != nil {
			return nil, err
		}
		if e.Votes == 0 {
			continue // taken back before it was held
		}
		list = append(list, e)
		if err := note(ctx, tx, d.Act(action, id, q.VideoID, selectedWords(q, e.Votes))); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// selectedWords say in the audit log which votes they were.
func selectedWords(q contest.Selection, votes int) string {
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

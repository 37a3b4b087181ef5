package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"risingstars/internal/contest"
)

// RecordAuditEntry implements [contest.Audit].
func (s *Store) RecordAuditEntry(ctx context.Context, a contest.AuditEntry) error {
	return s.write(ctx, "note", func(ctx context.Context, tx *sql.Tx) error { return note(ctx, tx, a) })
}

// note adds an entry to the audit log, in the transaction that makes the change.
func note(ctx context.Context, tx *sql.Tx, a contest.AuditEntry) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO audit_log (at, actor, action, player_id, video_id, detail) VALUES ($1, $2, $3, $4, $5, $6)`,
		timestamp(a.At), string(a.Actor), string(a.Action), none(a.PlayerID), none(a.VideoID), a.Detail)
	return err
}

// none returns NULL for the id 0, which means that there is no player or video.
func none(id int64) sql.NullInt64 { return sql.NullInt64{Int64: id, Valid: id != 0} }

// AuditEntries implements [contest.Audit].
func (s *Store) AuditEntries(ctx context.Context, q contest.AuditQuery) ([]contest.AuditEntry, error) {
	var conditions []string
	var args []any
	add := func(condition string, value any) {
		args = append(args, value)
		conditions = append(conditions, fmt.Sprintf(condition, len(args)))
	}
	add(`id > $%d`, int64(0))
	if q.Before > 0 {
		add(`id < $%d`, q.Before)
	}
	if q.PlayerID > 0 {
		add(`player_id = $%d`, q.PlayerID)
	}
	if q.Action != "" {
		add(`action = $%d`, string(q.Action))
	}
	args = append(args, q.Limit)
	return many(ctx, s, "acts", func(row scanner) (a contest.AuditEntry, err error) {
		return a, row.Scan(&a.ID, (*timestamp)(&a.At), &a.Actor, &a.Action, &a.PlayerID, &a.VideoID, &a.Detail)
	}, fmt.Sprintf(`
		SELECT id, at, actor, action, COALESCE(player_id, 0), COALESCE(video_id, 0), detail FROM audit_log
		WHERE %s ORDER BY id DESC LIMIT $%d`, strings.Join(conditions, " AND "), len(args)), args...)
}

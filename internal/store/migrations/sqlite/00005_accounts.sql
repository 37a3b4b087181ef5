-- +goose Up
-- Tokens and sessions name the generation they are of; a change of the password begins the next.
ALTER TABLE players ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;

CREATE INDEX sessions_of_player ON sessions (player_id);

-- What tells a crowd of made-up voters: from where a vote came (a keyed hash, '' if unknown) and how old the account was.
ALTER TABLE votes ADD COLUMN origin TEXT NOT NULL DEFAULT '';
ALTER TABLE votes ADD COLUMN voter_age INTEGER NOT NULL DEFAULT -1;     -- seconds, -1 if unknown

CREATE INDEX votes_of_voter ON votes (voter_id);

-- Who did what, as ids: it refers to no table, since it outlives what it is about.
CREATE TABLE audit_log (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    at        TEXT NOT NULL,
    actor     TEXT NOT NULL CHECK (actor IN ('player', 'organizer')),
    action    TEXT NOT NULL,
    player_id INTEGER,                    -- whose account or video it was about
    video_id  INTEGER,
    detail    TEXT NOT NULL               -- '', or who of the organizers asked for what and why, or an origin
) STRICT;

CREATE INDEX audit_of_player ON audit_log (player_id, id);

-- +goose StatementBegin
CREATE TRIGGER audit_log_is_not_changed BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_log_is_not_deleted BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER audit_log_is_not_deleted;
DROP TRIGGER audit_log_is_not_changed;
DROP TABLE audit_log;
DROP INDEX votes_of_voter;
ALTER TABLE votes DROP COLUMN voter_age;
ALTER TABLE votes DROP COLUMN origin;
DROP INDEX sessions_of_player;
ALTER TABLE sessions DROP COLUMN generation;
ALTER TABLE players DROP COLUMN generation;

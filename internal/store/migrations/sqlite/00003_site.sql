-- +goose Up
-- What the web site keeps: who is signed in, uploads under way, and where players stood when the day began.

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,          -- of the cookie's value; the value itself is kept nowhere
    player_id  INTEGER NOT NULL REFERENCES players (id),
    expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE uploads (
    id         TEXT PRIMARY KEY,
    player_id  INTEGER NOT NULL REFERENCES players (id),
    title      TEXT NOT NULL,
    media_type TEXT NOT NULL,             -- as the browser declared it, '' if it did not
    size       INTEGER NOT NULL,          -- bytes that there will be
    expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX uploads_of_player ON uploads (player_id, expires_at);
CREATE INDEX uploads_by_expiry ON uploads (expires_at);

CREATE TABLE standings_before (
    player_id     INTEGER PRIMARY KEY,
    position      INTEGER NOT NULL,
    city_position INTEGER NOT NULL,
    taken_at      TEXT NOT NULL
) STRICT;

CREATE INDEX videos_most_voted ON videos (votes DESC, uploaded_at DESC, id DESC) WHERE status = 'public';
CREATE INDEX videos_most_voted_by_city ON videos (city_key, votes DESC, uploaded_at DESC, id DESC) WHERE status = 'public';

-- +goose Down
DROP INDEX videos_most_voted_by_city;
DROP INDEX videos_most_voted;
DROP TABLE standings_before;
DROP TABLE uploads;
DROP TABLE sessions;

-- +goose Up
-- Times are text, UTC, microseconds, of one width, so that their order as text is their order in time.
-- AUTOINCREMENT: an id that was given out is never given out again, so an old link cannot show another's video.

CREATE TABLE players (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    first_name    TEXT NOT NULL,
    last_name     TEXT NOT NULL,
    email         TEXT NOT NULL,          -- as typed
    email_key     TEXT NOT NULL UNIQUE,   -- folded: what makes two emails the same
    password_hash TEXT NOT NULL,
    city          TEXT NOT NULL,
    city_key      TEXT NOT NULL,          -- folded: no case, no accents
    country       TEXT NOT NULL,
    created_at    TEXT NOT NULL
) STRICT;

CREATE TABLE videos (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    player_id    INTEGER NOT NULL REFERENCES players (id),
    task_id      TEXT NOT NULL,           -- the queue's job that may change the video
    title        TEXT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('uploaded', 'processing', 'processed', 'public', 'failed')),
    failure      TEXT NOT NULL,           -- '' unless failed
    votes        INTEGER NOT NULL CHECK (votes >= 0),
    token        TEXT NOT NULL UNIQUE,    -- of the video's objects in storage
    format       TEXT NOT NULL CHECK (format IN ('mp4', 'mov')),
    size         INTEGER NOT NULL,        -- of the original, bytes
    run          TEXT NOT NULL,           -- '' until processed
    city_key     TEXT NOT NULL,           -- the player's
    search_key   TEXT NOT NULL,           -- title and player's name, folded
    uploaded_at  TEXT NOT NULL,
    processed_at TEXT,
    published_at TEXT
) STRICT;

CREATE INDEX videos_of_player ON videos (player_id, uploaded_at DESC, id DESC);
CREATE INDEX videos_public ON videos (uploaded_at DESC, id DESC) WHERE status = 'public';
CREATE INDEX videos_public_by_city ON videos (city_key, uploaded_at DESC, id DESC) WHERE status = 'public';
CREATE INDEX videos_unfinished ON videos (uploaded_at) WHERE status IN ('uploaded', 'processing');
CREATE INDEX videos_failed ON videos (uploaded_at, id) WHERE status = 'failed';

CREATE TABLE votes (
    video_id  INTEGER NOT NULL REFERENCES videos (id),
    voter_id  INTEGER NOT NULL REFERENCES players (id),
    player_id INTEGER NOT NULL,           -- whose video it is
    voted_at  TEXT NOT NULL,
    PRIMARY KEY (video_id, voter_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX votes_for_player ON votes (player_id, voted_at);

-- One row for each player with a public video: the ranking, kept as votes come in.
CREATE TABLE standings (
    player_id  INTEGER PRIMARY KEY REFERENCES players (id),
    city_key   TEXT NOT NULL,
    votes      INTEGER NOT NULL CHECK (votes >= 0),
    reached_at TEXT NOT NULL              -- when the latest vote that counts was given
) STRICT;

CREATE INDEX standings_national ON standings (votes DESC, reached_at, player_id);
CREATE INDEX standings_by_city ON standings (city_key, votes DESC, reached_at, player_id);

-- +goose Down
DROP TABLE standings;
DROP TABLE votes;
DROP TABLE videos;
DROP TABLE players;

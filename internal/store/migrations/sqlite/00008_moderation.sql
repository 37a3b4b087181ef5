-- +goose Up
-- What organizers take out of the public, and votes that do not count for it or because they were bought.
ALTER TABLE players ADD COLUMN shut_at TEXT;              -- NULL unless organizers have shut the account
-- '' unless it was public and organizers have hidden it, or shut its player's account. A program that knows nothing of it cannot publish it.
ALTER TABLE videos ADD COLUMN hidden TEXT NOT NULL DEFAULT '' CHECK (hidden IN ('', 'video', 'account') AND (hidden = '' OR status = 'processed'));

-- Votes are here or in votes, never in both. They refer to people and videos without a key: whoever deletes an account
-- removes them.
CREATE TABLE votes_set_aside (
    voter_id  INTEGER NOT NULL,
    video_id  INTEGER NOT NULL,
    player_id INTEGER NOT NULL,           -- whose video it is
    voted_at  TEXT NOT NULL,
    origin    TEXT NOT NULL,
    voter_age INTEGER NOT NULL,
    why       TEXT NOT NULL CHECK (why IN ('hidden', 'void')), -- hidden ones come back with their video
    PRIMARY KEY (voter_id, video_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX votes_set_aside_of_player ON votes_set_aside (player_id);

-- How often organizers have decided about the votes of a player: a vote that waited for its place sees that they have.
ALTER TABLE standings ADD COLUMN decided INTEGER NOT NULL DEFAULT 0;

-- +goose Down
-- What was hidden stays out of the public, and loses its votes.
ALTER TABLE standings DROP COLUMN decided;
DROP TABLE votes_set_aside;
ALTER TABLE videos DROP COLUMN hidden;
ALTER TABLE players DROP COLUMN shut_at;

-- +goose Up
-- What organizers take out of the public, and votes that do not count for it or because they were bought.
ALTER TABLE players ADD COLUMN shut_at TIMESTAMPTZ;       -- NULL unless organizers have shut the account
-- '' unless it was public and organizers have hidden it, or shut its player's account. A program that knows nothing of it cannot publish it.
ALTER TABLE videos ADD COLUMN hidden TEXT NOT NULL DEFAULT '' CHECK (hidden IN ('', 'video', 'account') AND (hidden = '' OR status = 'processed'));

-- Votes are here or in votes, never in both. They refer to people and videos without a key: whoever deletes an account
-- removes them.
CREATE TABLE votes_set_aside (
    voter_id  BIGINT NOT NULL,
    video_id  BIGINT NOT NULL,
    player_id BIGINT NOT NULL,                          -- whose video it is
    voted_at  TIMESTAMPTZ NOT NULL,
    origin    TEXT COLLATE "C" NOT NULL,
    voter_age BIGINT NOT NULL,
    why       TEXT NOT NULL CHECK (why IN ('hidden', 'void')), -- hidden ones come back with their video
    PRIMARY KEY (voter_id, video_id)
);

CREATE INDEX votes_set_aside_of_player ON votes_set_aside (player_id);

-- How often organizers have decided about the votes of a player: a vote that waited for its place sees that they have.
ALTER TABLE standings ADD COLUMN decided BIGINT NOT NULL DEFAULT 0;

-- +goose Down
-- What was hidden stays out of the public, and loses its votes.
ALTER TABLE standings DROP COLUMN decided;
DROP TABLE votes_set_aside;
ALTER TABLE videos DROP COLUMN hidden;
ALTER TABLE players DROP COLUMN shut_at;

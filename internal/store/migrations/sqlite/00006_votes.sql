-- +goose Up
-- Votes are kept by who gave them, so that those of one evening lie side by side, and each remembers the moment that it
-- moved its player from. With that nothing needs an index of a player's votes by time: a vote changes one page of the
-- votes, however many there are. video_id refers to a video, without a key that would read all votes before a video can
-- be deleted: only public videos have votes, and these are not deleted.

CREATE TABLE votes_by_voter (
    voter_id  INTEGER NOT NULL REFERENCES players (id),
    video_id  INTEGER NOT NULL,
    player_id INTEGER NOT NULL,           -- whose video it is
    voted_at  TEXT NOT NULL,              -- different for each vote of a player
    before_at TEXT NOT NULL,              -- the player's reached_at before this vote
    origin    TEXT NOT NULL,
    voter_age INTEGER NOT NULL,
    PRIMARY KEY (voter_id, video_id)
) STRICT, WITHOUT ROWID;

INSERT INTO votes_by_voter (voter_id, video_id, player_id, voted_at, before_at, origin, voter_age)
SELECT voter_id, video_id, player_id, voted_at, COALESCE(
    lag(voted_at) OVER (PARTITION BY player_id ORDER BY voted_at, voter_id, video_id),
    (SELECT min(published_at) FROM videos WHERE videos.player_id = votes.player_id AND status = 'public'),
    voted_at), origin, voter_age
FROM votes;

DROP TABLE votes;
ALTER TABLE votes_by_voter RENAME TO votes;

-- Votes that were taken back while later ones of the same player stood: links of the chain that before_at makes.
CREATE TABLE votes_taken_back (
    player_id INTEGER NOT NULL REFERENCES players (id),
    voted_at  TEXT NOT NULL,
    before_at TEXT NOT NULL,
    PRIMARY KEY (player_id, voted_at)
) STRICT, WITHOUT ROWID;

ALTER TABLE standings ADD COLUMN before_at TEXT; -- what reached_at was before the vote that is being given

-- +goose Down
ALTER TABLE standings DROP COLUMN before_at;
DROP TABLE votes_taken_back;

CREATE TABLE votes_by_video (
    video_id  INTEGER NOT NULL REFERENCES videos (id),
    voter_id  INTEGER NOT NULL REFERENCES players (id),
    player_id INTEGER NOT NULL,           -- whose video it is
    voted_at  TEXT NOT NULL,
    origin    TEXT NOT NULL DEFAULT '',
    voter_age INTEGER NOT NULL DEFAULT -1,
    PRIMARY KEY (video_id, voter_id)
) STRICT, WITHOUT ROWID;

INSERT INTO votes_by_video (video_id, voter_id, player_id, voted_at, origin, voter_age)
SELECT video_id, voter_id, player_id, voted_at, origin, voter_age FROM votes;

DROP TABLE votes;
ALTER TABLE votes_by_video RENAME TO votes;
CREATE INDEX votes_for_player ON votes (player_id, voted_at);
CREATE INDEX votes_of_voter ON votes (voter_id);

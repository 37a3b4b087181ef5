-- +goose Up
-- Who contest and storage are to each other, so that nobody sweeps the storage of another contest.
CREATE TABLE contest (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    identity TEXT NOT NULL
);

-- The run of a job that has the video in hand, kept alive by beats. Only that run may change the video.
ALTER TABLE videos ADD COLUMN holder TEXT NOT NULL DEFAULT '';
ALTER TABLE videos ADD COLUMN beat BIGINT NOT NULL DEFAULT 0;
ALTER TABLE videos ADD COLUMN progress INTEGER NOT NULL DEFAULT 0;      -- per cent, as of the latest beat
ALTER TABLE videos ADD COLUMN interruptions INTEGER NOT NULL DEFAULT 0; -- runs that were taken over from the dead

CREATE INDEX videos_waiting_of_player ON videos (player_id) WHERE status IN ('uploaded', 'processing');

-- +goose Down
DROP INDEX videos_waiting_of_player;
ALTER TABLE videos DROP COLUMN interruptions;
ALTER TABLE videos DROP COLUMN progress;
ALTER TABLE videos DROP COLUMN beat;
ALTER TABLE videos DROP COLUMN holder;
DROP TABLE contest;

-- +goose Up
-- An upload that became a video is remembered until it expires, for a client that never heard of it and asks again.
ALTER TABLE uploads ADD COLUMN video_id BIGINT NOT NULL DEFAULT 0; -- 0 while it is under way; the video may be deleted meanwhile

-- +goose Down
DELETE FROM uploads WHERE video_id <> 0;
ALTER TABLE uploads DROP COLUMN video_id;

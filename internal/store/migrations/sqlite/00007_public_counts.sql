-- +goose Up
-- How many public videos there are, city by city: kept, since counting a million took a processor for a third of a second.
-- Whatever changes videos, by whichever program or hand, changes this in the same transaction. A city without any has no row.
CREATE TABLE public_counts (
    city_key TEXT PRIMARY KEY,
    videos   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER public_video_added AFTER INSERT ON videos WHEN new.status = 'public'
BEGIN
    INSERT INTO public_counts (city_key, videos) VALUES (new.city_key, 1)
    ON CONFLICT (city_key) DO UPDATE SET videos = videos + 1;
END;
-- +goose StatementEnd

-- A vote or a beat changes neither column.
-- +goose StatementBegin
CREATE TRIGGER public_video_changed AFTER UPDATE OF status, city_key ON videos
WHEN (old.status = 'public' OR new.status = 'public') AND (old.status, old.city_key) IS NOT (new.status, new.city_key)
BEGIN
    UPDATE public_counts SET videos = videos - 1 WHERE city_key = old.city_key AND old.status = 'public';
    INSERT INTO public_counts (city_key, videos) SELECT new.city_key, 1 WHERE new.status = 'public'
    ON CONFLICT (city_key) DO UPDATE SET videos = videos + 1;
    DELETE FROM public_counts WHERE city_key = old.city_key AND videos = 0;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER public_video_removed AFTER DELETE ON videos WHEN old.status = 'public'
BEGIN
    UPDATE public_counts SET videos = videos - 1 WHERE city_key = old.city_key;
    DELETE FROM public_counts WHERE city_key = old.city_key AND videos = 0;
END;
-- +goose StatementEnd

INSERT INTO public_counts (city_key, videos)
SELECT city_key, count(*) FROM videos WHERE status = 'public' GROUP BY city_key;

-- +goose Down
DROP TRIGGER public_video_removed;
DROP TRIGGER public_video_changed;
DROP TRIGGER public_video_added;
DROP TABLE public_counts;

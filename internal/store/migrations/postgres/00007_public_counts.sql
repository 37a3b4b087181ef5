-- +goose Up
-- How many public videos there are, city by city: kept, since counting a million took a processor for a third of a second.
-- Whatever changes videos, by whichever program or hand, changes this in the same transaction. A city without any has no row.
CREATE TABLE public_counts (
    city_key TEXT COLLATE "C" PRIMARY KEY,
    videos   BIGINT NOT NULL
);

-- Videos that are public when they come: an import, all in one statement.
-- +goose StatementBegin
CREATE FUNCTION count_public_added() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO public_counts AS kept (city_key, videos)
    SELECT city_key, count(*) FROM added WHERE status = 'public' GROUP BY city_key ORDER BY city_key
    ON CONFLICT (city_key) DO UPDATE SET videos = kept.videos + excluded.videos;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- The rows are taken in the order of their keys, so that two who move between the same cities do not wait for each other.
-- +goose StatementBegin
CREATE FUNCTION count_public_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO public_counts AS kept (city_key, videos)
    SELECT city_key, sum(step) FROM (
        SELECT OLD.city_key, -1 WHERE OLD.status = 'public'
        UNION ALL
        SELECT NEW.city_key, 1 WHERE NEW.status = 'public'
    ) AS steps (city_key, step)
    GROUP BY city_key ORDER BY city_key
    ON CONFLICT (city_key) DO UPDATE SET videos = kept.videos + excluded.videos;
    DELETE FROM public_counts WHERE city_key = OLD.city_key AND videos = 0;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER public_video_added AFTER INSERT ON videos REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_public_added();

-- These run when the transaction is being committed: nobody waits for a city's row longer than a commit takes, and whoever
-- has it waits for nothing else. A vote or a beat changes neither column.
CREATE CONSTRAINT TRIGGER public_video_changed AFTER UPDATE OF status, city_key ON videos DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN ((OLD.status = 'public' OR NEW.status = 'public')
        AND (OLD.status, OLD.city_key) IS DISTINCT FROM (NEW.status, NEW.city_key))
    EXECUTE FUNCTION count_public_changed();

CREATE CONSTRAINT TRIGGER public_video_removed AFTER DELETE ON videos DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.status = 'public')
    EXECUTE FUNCTION count_public_changed();

INSERT INTO public_counts (city_key, videos)
SELECT city_key, count(*) FROM videos WHERE status = 'public' GROUP BY city_key;

-- +goose Down
DROP TRIGGER public_video_removed ON videos;
DROP TRIGGER public_video_changed ON videos;
DROP TRIGGER public_video_added ON videos;
DROP FUNCTION count_public_changed;
DROP FUNCTION count_public_added;
DROP TABLE public_counts;

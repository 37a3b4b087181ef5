package app

import (
	"context"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/jobs"
	"risingstars/internal/store"
)

// idleVideos returns the videos whose status is processing although no worker is processing them. A live run sends a
// heartbeat every few seconds, so this takes up to jobs.SignOfLife. It does not compare the clocks of hosts.
func idleVideos(ctx context.Context, s *store.Store, videos []contest.Video) (map[int64]bool, error) {
	idle := map[int64]bool{}
	for _, v := range videos {
		if v.Status == contest.Processing {
			idle[v.ID] = true
		}
	}
	before, err := held(ctx, s)
	if err != nil || len(idle) == 0 {
		return idle, err
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(jobs.SignOfLife); time.Now().Before(end) && anyOf(idle, before); {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
		now, err := held(ctx, s)
		if err != nil {
			return nil, err
		}
		for id, h := range before {
			if now[id] != h {
				delete(idle, id)
			}
		}
	}
	return idle, nil
}

// anyOf reports whether one of the videos may still send a heartbeat.
func anyOf(videos map[int64]bool, held map[int64]contest.RunningJob) bool {
	for id := range videos {
		if _, ok := held[id]; ok {
			return true
		}
	}
	return false
}

// held returns the running jobs of the queue by video id.
func held(ctx context.Context, s *store.Store) (map[int64]contest.RunningJob, error) {
	list, err := s.Held(ctx)
	byVideo := make(map[int64]contest.RunningJob, len(list))
	for _, h := range list {
		byVideo[h.VideoID] = h
	}
	return byVideo, err
}

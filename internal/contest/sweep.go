package contest

import (
	"context"
	"fmt"
	"time"
)

// Object is one thing in storage.
type Object struct {
	Key      string
	Size     int64 // bytes
	Modified time.Time
}

// sweepBatch is how many objects are held against the store at once.
const sweepBatch = 500

// Sweep removes the objects that no video has as a part and that have not changed since before, and returns how many.
// They are what a crash left between writing an object and committing its row, or between deleting a row and its
// objects. Nothing may be under way that has written an object before then and not yet committed its row.
func (s *Videos) Sweep(ctx context.Context, before time.Time) (removed int, err error) {
	var batch []Object
	flush := func() error {
		n, err := s.sweepBatch(ctx, batch)
		removed += n
		batch = batch[:0]
		return err
	}
	err = s.Storage.Walk(ctx, MediaRoot, func(o Object) error {
		if !o.Modified.Before(before) {
			return nil
		}
		if batch = append(batch, o); len(batch) < sweepBatch {
			return nil
		}
		return flush()
	})
	if err != nil {
		return removed, fmt.Errorf("sweep: %w", err)
	}
	return removed, flush()
}

func (s *Videos) sweepBatch(ctx context.Context, objects []Object) (removed int, err error) {
	tokens := map[string]bool{}
	for _, o := range objects {
		if token := TokenOf(o.Key); token != "" {
			tokens[token] = true
		}
	}
	kept, err := s.Store.MediaOf(ctx, keys(tokens))
	if err != nil {
		return 0, fmt.Errorf("sweep: find the videos: %w", err)
	}
	media := make(map[string]Media, len(kept))
	for _, m := range kept {
		media[m.Token] = m
	}
	for _, o := range objects {
		if media[TokenOf(o.Key)].Part(o.Key) != NoPart {
			continue
		}
		if err := s.Storage.Delete(ctx, o.Key); err != nil {
			return removed, fmt.Errorf("sweep: remove an object: %w", err)
		}
		removed++
	}
	return removed, nil
}

func keys(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for k := range set {
		list = append(list, k)
	}
	return list
}

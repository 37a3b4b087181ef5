package contest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Object describes one object in storage.
type Object struct {
	Key      string
	Size     int64 // bytes
	Modified time.Time
}

// storageMarkPrefix holds one object, whose name is the identity of the contest that the storage belongs to.
const storageMarkPrefix = "contest/"

// ErrForeignStorage is returned for a storage that belongs to another contest.
var ErrForeignStorage = errors.New("the storage belongs to another contest: are DATABASE_URL and STORAGE_URL right?")

// ClaimStorage makes sure that the storage belongs to the contest of that identity. A storage without a mark is marked, by moving
// a file that newMark makes into it, if it is empty or holds an object of a video of this contest. It returns
// ErrForeignStorage if the mark is another's, or if all that is there is unknown.
func (s *Videos) ClaimStorage(ctx context.Context, identity string, newMark func() (path string, err error)) error {
	var marked, own bool
	err := s.Storage.Walk(ctx, storageMarkPrefix, func(o Object) error {
		if strings.HasPrefix(o.Key, storageMarkPrefix+".") {
			return nil // the unfinished mark of another process, perhaps of one that died
		}
		marked = true
		own = own || o.Key == storageMarkPrefix+identity
		return nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("find the storage's mark: %w", err)
	case own:
		return nil
	case marked:
		return ErrForeignStorage
	}
	known, err := s.storageIsKnown(ctx)
	if err != nil {
		return err
	}
	if !known {
		return ErrForeignStorage
	}
	mark, err := newMark()
	if err == nil {
		err = s.Storage.PutFile(ctx, storageMarkPrefix+identity, mark)
	}
	if err != nil {
		return fmt.Errorf("mark the storage: %w", err)
	}
	return nil
}

// storageIsKnown reports whether the storage has nothing, or something of a video of this contest.
func (s *Videos) storageIsKnown(ctx context.Context) (bool, error) {
	empty, known := true, false
	var tokens []string
	look := func() error {
		kept, err := s.Store.MediaByTokens(ctx, tokens)
		known, tokens = known || len(kept) > 0, nil
		return err
	}
	err := s.Storage.Walk(ctx, MediaKeyPrefix, func(o Object) error {
		empty = false
		if token := TokenFromKey(o.Key); token != "" {
			tokens = append(tokens, token)
		}
		if known || len(tokens) < sweepBatchSize {
			return nil
		}
		return look()
	})
	if err == nil && !known {
		err = look()
	}
	if err != nil {
		return false, fmt.Errorf("look for objects of this contest: %w", err)
	}
	return empty || known, nil
}

// removeOrphans is how many objects are held against the store at once.
const sweepBatchSize = 500

// SweepOrphanedObjects removes the objects that no video has as a part and that have not changed since before, and returns how many.
// They are what a crash left between writing an object and committing its row, or between deleting a row and its
// objects. Nothing may be under way that has written an object before then and not yet committed its row.
func (s *Videos) SweepOrphanedObjects(ctx context.Context, before time.Time) (removed int, err error) {
	var batch []Object
	flush := func() error {
		n, err := s.removeOrphans(ctx, batch)
		removed += n
		batch = batch[:0]
		return err
	}
	err = s.Storage.Walk(ctx, MediaKeyPrefix, func(o Object) error {
		if !o.Modified.Before(before) {
			return nil
		}
		if batch = append(batch, o); len(batch) < sweepBatchSize {
			return nil
		}
		return flush()
	})
	if err != nil {
		return removed, fmt.Errorf("sweep: %w", err)
	}
	return removed, flush()
}

func (s *Videos) removeOrphans(ctx context.Context, objects []Object) (removed int, err error) {
	tokens := map[string]bool{}
	for _, o := range objects {
		if token := TokenFromKey(o.Key); token != "" {
			tokens[token] = true
		}
	}
	kept, err := s.Store.MediaByTokens(ctx, keys(tokens))
	if err != nil {
		return 0, fmt.Errorf("sweep: find the videos: %w", err)
	}
	media := make(map[string]Media, len(kept))
	for _, m := range kept {
		media[m.Token] = m
	}
	for _, o := range objects {
		if media[TokenFromKey(o.Key)].PartOfKey(o.Key) != NoPart {
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

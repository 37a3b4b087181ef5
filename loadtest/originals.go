package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"risingstars/internal/testkit/history"
	"risingstars/loadtest/journal"
)

// originalsComparer compares the originals of videos that are processed, whole, with the clips that were sent, and then gives
// their room on the disk back: they keep their size and their end, by which the checker knows them. So a run needs the
// room of what waits, not of all that was uploaded.
type originalsComparer struct {
	target   *target
	clips    map[int64][]byte // by their size
	compared map[int64]bool   // by the video's id
	findings []history.Finding
}

func newOriginalsComparer(t *target, paths []string) (*originalsComparer, error) {
	m := &originalsComparer{target: t, clips: map[int64][]byte{}, compared: map[int64]bool{}}
	for _, path := range paths {
		clip, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("compare originals: %w", err)
		}
		m.clips[int64(len(clip))] = clip
	}
	return m, nil
}

// compareUntilDone looks every so often until ctx ends, and once more then.
func (m *originalsComparer) compareUntilDone(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return m.compareProcessed(context.WithoutCancel(ctx))
		case <-tick.C:
			if err := m.compareProcessed(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// compareProcessed compares what has been processed since it last looked.
func (m *originalsComparer) compareProcessed(ctx context.Context) error {
	originals := map[int64]string{}
	err := m.target.forEachRow(ctx, `SELECT id, token, format FROM videos WHERE status = 'processed'`, func(scan func(...any) error) error {
		var id int64
		var token, format string
		err := scan(&id, &token, &format)
		if !m.compared[id] {
			originals[id] = filepath.Join(m.target.mediaDir, originalKey(token, format))
		}
		return err
	})
	if err != nil {
		return err
	}
	for id, path := range originals {
		same, err := m.compareAndFree(path)
		if err != nil {
			return err
		}
		m.compared[id] = true
		if !same {
			m.findings = append(m.findings, history.Finding{Kind: "original changed", Detail: fmt.Sprintf("video %d is not as it was sent", id)})
		}
	}
	return nil
}

// compareAndFree holds an original against the clip of its size, up to the mark, and makes a hole of what was as it should be.
// One that is missing or of another size is the checker's to find.
func (m *originalsComparer) compareAndFree(path string) (same bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("compare originals: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	stat, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("compare originals: %w", err)
	}
	clip, ok := m.clips[stat.Size()]
	if !ok {
		return true, nil
	}
	const piece = 1 << 20
	buffer := make([]byte, piece)
	for rest := clip[:len(clip)-journal.MarkBytes]; len(rest) > 0; {
		part := buffer[:min(piece, len(rest))]
		if _, err := f.ReadAt(part, int64(len(clip)-journal.MarkBytes-len(rest))); err != nil {
			return false, fmt.Errorf("compare originals: %w", err)
		}
		if !bytes.Equal(part, rest[:len(part)]) {
			return false, nil
		}
		rest = rest[len(part):]
	}
	const block = 4096
	return true, punchHole(f, (stat.Size()-journal.MarkBytes)/block*block)
}

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

// originalsComparer compares the originals of processed videos byte by byte with the clips that were sent, and then frees
// their disk space by punching holes: the file keeps its size and its last bytes, which the check compares later. So a run
// needs disk space for the videos that wait, not for all that were uploaded.
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

// compareUntilDone compares periodically until ctx ends, and a last time then.
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

// compareProcessed compares the videos that were processed since the last call.
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
			m.findings = append(m.findings, history.Finding{Kind: "original changed", Detail: fmt.Sprintf("video %d differs from the clip that was sent", id)})
		}
	}
	return nil
}

// compareAndFree compares an original with the clip of its size, up to the mark, and frees its space if they are equal. A
// missing original, or one of another size, is left to the check.
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

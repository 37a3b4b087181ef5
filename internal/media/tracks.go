package media

import (
	"encoding/binary"
	"errors"
)

// inside maps the boxes on the path from trak to the tables to their parents.
var inside = map[string]string{"mdia": "trak", "minf": "mdia", "stbl": "minf"}

// readTracks reads each track's handler and chunk offsets along moov/trak/mdia. FFmpeg handles broken boxes inside
// moov better, so they only make the layout opaque.
func (l *layout) readTracks(r *boxReader, moov box) error {
	whole, err := r.each(moov, func(b box) error {
		switch b.Type {
		case "cmov": // a compressed moov: QuickTime File Format, "Compressed Movie Resources"
			return refuse(Unplayable, "its index is compressed") // no current camera does so, and it can be a decompression bomb
		case "trak":
			if len(l.Tracks) > MaxStreams {
				return nil
			}
			var t track
			whole, err := t.read(r, b)
			l.Tracks = append(l.Tracks, t)
			l.Opaque = l.Opaque || !whole
			return err
		}
		return nil
	})
	l.Opaque = l.Opaque || !whole
	return err
}

// read descends from trak or from a box below it. It reports whether every box on the path was complete.
func (t *track) read(r *boxReader, parent box) (bool, error) {
	all := true
	whole, err := r.each(parent, func(b box) error {
		switch {
		case inside[b.Type] == parent.Type:
			below, err := t.read(r, b)
			all = all && below
			return err
		case parent.Type == "mdia" && b.Type == "hdlr": // version and flags, a QuickTime component type, the handler
			handler, err := r.fourCC(b.Body+8, b.End)
			t.Handler = handler
			return err
		case parent.Type == "stbl" && b.Type == "stco":
			return t.readLastChunk(r, b, 4)
		case parent.Type == "stbl" && b.Type == "co64":
			return t.readLastChunk(r, b, 8)
		}
		return nil
	})
	return whole && all, err
}

// readLastChunk reads the last offset of a stco (4 bytes each) or co64 (8): version and flags, count, offsets.
func (t *track) readLastChunk(r *boxReader, b box, width int64) error {
	var h [8]byte
	if b.End-b.Body < 8 {
		return nil
	}
	if err := readAt(r, h[:], b.Body); err != nil {
		return err
	}
	count := int64(binary.BigEndian.Uint32(h[4:]))
	last := b.Body + 8 + (count-1)*width
	if count == 0 || last+width > b.End {
		return nil
	}
	clear(h[:])
	if err := readAt(r, h[8-width:], last); err != nil {
		return err
	}
	t.LastChunk = int64(min(binary.BigEndian.Uint64(h[:]), 1<<62))
	return nil
}

// each calls f for the boxes inside another. It stops at the first box that does not fit, and returns false. A
// QuickTime list may end with a zero word, which does not count as broken.
func (r *boxReader) each(parent box, f func(box) error) (bool, error) {
	for at := parent.Body; at < parent.End; {
		b, err := r.box(at, parent.End)
		switch {
		case errors.Is(err, errNoBox):
			return true, nil
		case err != nil:
			return false, err
		case b.wrongWidth || b.End > parent.End:
			return false, nil
		}
		if err := f(b); err != nil {
			return false, err
		}
		at = b.End
	}
	return true, nil
}

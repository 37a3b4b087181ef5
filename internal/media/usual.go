package media

import (
	"context"
	"encoding/binary"
	"io"
	"os"
	"time"
)

// The fast path of judging an upload. Nearly every phone, camera and editor writes the same kind of file: an index with one
// H.264 track of plain pictures, whose first sample is a key frame. Of such a file everything that a full probe refuses for is
// known from its tables, and ffprobe, which costs more than all the rest of an upload together, is not started. A file that
// differs in any way is not refused here: the full probe (Probe) decides about it. Source of the tables: ISO/IEC 14496-12, 8.3–8.8; QuickTime writes the
// same.

// InspectFile tells a file's container, or refuses it, as Probe does. FFmpeg is only used for a file of an unusual kind, and a
// usual one's first picture is read but not decoded: whether it can be, Probe finds out before it is rendered.
func (t Tools) InspectFile(ctx context.Context, path string) (Container, error) {
	var l layout
	sure := false
	err := opened(path, func(f *os.File, size int64) (err error) {
		if l, err = readLayout(f, size); err == nil {
			sure = usual(f, size, l)
		}
		return err
	})
	if err == nil && !sure {
		_, err = t.ffprobe(ctx, path, 0) // somebody waits for it
	}
	if err != nil {
		return "", err
	}
	return l.container(), nil
}

// usual tells whether a file whose layout was accepted is surely one that Probe accepts.
func usual(file io.ReaderAt, size int64, l layout) bool {
	r := &boxReader{ReaderAt: file}
	moov, err := r.box(l.Moov, size)
	if err != nil || l.Opaque {
		return false
	}
	var video []parts
	plain := true
	whole, err := r.each(moov, func(b box) error {
		switch b.Type {
		case "mvex": // a recording in fragments
			plain = false
		case "trak":
			p := parts{}
			plain = plain && p.collect(r, b) && p.sound(r)
			if p.handler(r) == "vide" {
				video = append(video, p)
			}
		}
		return nil
	})
	return err == nil && whole && plain && len(video) == 1 && video[0].usual(r, size)
}

// parts are the boxes of a track by the end of their path, such as "stbl/stsz".
type parts map[string]box

// within are the boxes to descend into, and where each of them stands.
var within = map[string]string{"mdia": "trak", "edts": "trak", "minf": "mdia", "dinf": "minf", "stbl": "minf"}

// collect descends from trak. It reports false if a box is broken, or there twice.
func (p parts) collect(r *boxReader, parent box) bool {
	once := true
	whole, err := r.each(parent, func(b box) error {
		key := parent.Type + "/" + b.Type
		if _, twice := p[key]; twice && b.Type != "free" && b.Type != "sgpd" && b.Type != "sbgp" {
			once = false
		}
		p[key] = b
		if within[b.Type] == parent.Type && !p.collect(r, b) {
			once = false
		}
		return nil
	})
	return once && whole && err == nil
}

// content reads a part, which must have at least so many bytes; of a longer one only the first most. Without it, nothing
// can be read.
func (p parts) content(r *boxReader, key string, least, most int64) *fields {
	b, ok := p[key]
	n := b.End - b.Body
	if !ok || n < least {
		return &fields{broken: true}
	}
	data := make([]byte, min(n, most))
	if err := readAt(r, data, b.Body); err != nil {
		return &fields{broken: true}
	}
	return &fields{data: data}
}

// mostEntries bounds the bytes of a table that are read. Ten minutes of 240 frames a second, each of another length, have
// less.
const mostEntries = 2 << 20

// tables are the parts whose entries have a fixed number of bytes, behind version, flags and their count.
var tables = map[string]int64{
	"stbl/stts": 8, "stbl/ctts": 8, "stbl/stsc": 12, "stbl/stss": 4, "stbl/stco": 4, "stbl/co64": 8,
}

// sound tells whether the tables are as long as they say, and place every sample in a chunk.
func (p parts) sound(r *boxReader) bool {
	counts := map[string]uint32{}
	for key, width := range tables {
		if b, ok := p[key]; ok {
			f := p.content(r, key, 8, 8)
			f.skip(4)
			counts[key] = f.u32()
			if f.broken || b.End-b.Body != 8+width*int64(counts[key]) {
				return false
			}
		}
	}
	_, narrow := p["stbl/stco"]
	if _, wide := p["stbl/co64"]; narrow && wide {
		return false
	}
	samples := p.content(r, "stbl/stsz", 12, 12)
	samples.skip(4)
	all, n := samples.u32(), samples.u32()
	length := p["stbl/stsz"].End - p["stbl/stsz"].Body
	if samples.broken || all == 0 && length != 12+4*int64(n) || all > 0 && length != 12 {
		return false
	}
	return p.placed(r, counts["stbl/stsc"], counts["stbl/stco"]+counts["stbl/co64"]) == uint64(n)
}

// placed is how many samples the runs of alike chunks have, 0 if they do not follow each other up to the last chunk.
func (p parts) placed(r *boxReader, runs, chunks uint32) (samples uint64) {
	f := p.content(r, "stbl/stsc", 8, mostEntries)
	f.skip(8)
	var first, each uint32
	for range runs {
		next, n := f.u32(), f.u32()
		f.skip(4)
		if f.broken || n == 0 || next <= first || next > chunks || first == 0 && next != 1 {
			return 0
		}
		samples += uint64(next-first) * uint64(each)
		first, each = next, n
	}
	return samples + uint64(chunks-first+1)*uint64(each)
}

func (p parts) handler(r *boxReader) string {
	f := p.content(r, "mdia/hdlr", 12, 12)
	return string(f.next(12)[8:])
}

// usual tells whether the parts are those of a usual track of pictures in a file of so many bytes.
func (p parts) usual(r *boxReader, size int64) bool {
	a, ok := p.description(r)
	if !ok || !p.ownData(r) || !p.plainEdit(r) {
		return false
	}
	frames, length := p.times(r)
	c := Clip{Width: a.Width, Height: a.Height, Duration: length}
	if length > 0 {
		c.FrameRate = float64(frames) / length.Seconds()
	}
	if length <= 0 || c.check() != nil {
		return false
	}
	at, n, samples := p.firstSample(r)
	return samples == frames && n > 0 && at > 0 && n <= size-at && a.beginsWith(r, at, n)
}

// description reads what the samples are: one sort of H.264, all in this file.
func (p parts) description(r *boxReader) (avc, bool) {
	const visual = 78 // bytes of a VisualSampleEntry between its header and its boxes: ISO/IEC 14496-12, 12.1.3
	f := p.content(r, "stbl/stsd", 8+8+visual, 8+8+visual)
	f.skip(4)
	one := f.u32() == 1
	f.skip(4)
	h264 := string(f.next(4)) == "avc1"
	f.skip(6)
	reference := f.u16()
	if f.broken || !one || !h264 || reference != 1 {
		return avc{}, false
	}
	b := p["stbl/stsd"]
	entry, err := r.box(b.Body+8, b.End)
	if err != nil || entry.End > b.End {
		return avc{}, false
	}
	entry.Body += visual
	inner := parts{}
	if !inner.collect(r, entry) {
		return avc{}, false
	}
	config := inner.content(r, "avc1/avcC", 7, 1<<16)
	return readAVC(config.data)
}

// ownData tells whether the one place where the samples may be is this file.
func (p parts) ownData(r *boxReader) bool {
	f := p.content(r, "dinf/dref", 8+12, 8+12)
	f.skip(4)
	one := f.u32() == 1
	f.skip(8)
	const selfContained = 1
	return one && f.u32() == selfContained && !f.broken
}

// plainEdit tells whether the whole track is shown at its own speed, as it is without an edit list; the start may be
// delayed to reorder pictures.
func (p parts) plainEdit(r *boxReader) bool {
	if _, edited := p["edts/elst"]; !edited {
		return true
	}
	f := p.content(r, "edts/elst", 8+12, 8+12)
	version := f.u32()
	one := f.u32() == 1
	f.skip(4)
	begin := f.u32()
	const shortly = 1 << 16 // a few frames, in any time scale
	return version == 0 && one && begin < shortly && f.u32() == 1<<16 && !f.broken
}

// times sums the table of times up: how many samples there are, and how long all of them last. 0 is for a table that says
// something else than the track does.
func (p parts) times(r *boxReader) (samples uint64, length time.Duration) {
	f := p.content(r, "mdia/mdhd", 20, 36)
	version := f.u32()
	said := uint64(0)
	var scale uint32
	switch version {
	case 0:
		f.skip(8)
		scale, said = f.u32(), uint64(f.u32())
	case 1 << 24:
		f.skip(16)
		scale, said = f.u32(), f.u64()
	}
	t := p.content(r, "stbl/stts", 8, mostEntries)
	t.skip(4)
	entries := t.u32()
	if f.broken || t.broken || scale == 0 || int64(entries)*8 > int64(len(t.data)) {
		return 0, 0
	}
	ticks := 0.0
	for range entries {
		count, each := t.u32(), t.u32()
		if count == 0 || each == 0 {
			return 0, 0
		}
		samples += uint64(count)
		ticks += float64(count) * float64(each)
	}
	seconds, saidSeconds := ticks/float64(scale), float64(said)/float64(scale)
	if seconds > saidSeconds+1 || saidSeconds > seconds+1 {
		return 0, 0
	}
	return samples, time.Duration(seconds * float64(time.Second))
}

// firstSample is where the first sample lies, its bytes, and how many samples there are.
func (p parts) firstSample(r *boxReader) (at, n int64, samples uint64) {
	sizes := p.content(r, "stbl/stsz", 12, 16)
	sizes.skip(4)
	n, samples = int64(sizes.u32()), uint64(sizes.u32())
	if n == 0 {
		n = int64(sizes.u32())
	}
	offsets := p.content(r, "stbl/stco", 12, 12)
	offsets.skip(8)
	at = int64(offsets.u32())
	if _, wide := p["stbl/co64"]; wide {
		offsets = p.content(r, "stbl/co64", 16, 16)
		offsets.skip(8)
		at = int64(min(offsets.u64(), 1<<62))
	}
	if sizes.broken || offsets.broken {
		return 0, 0, 0
	}
	return at, n, samples
}

// fields reads numbers one after the other, big-endian. What is not there is zero, and broken.
type fields struct {
	data   []byte
	broken bool
}

func (f *fields) next(n int) []byte {
	if f.broken || len(f.data) < n {
		f.broken = true
		return make([]byte, n)
	}
	head := f.data[:n]
	f.data = f.data[n:]
	return head
}

func (f *fields) skip(n int)  { _ = f.next(n) }
func (f *fields) u8() byte    { return f.next(1)[0] }
func (f *fields) u16() uint16 { return binary.BigEndian.Uint16(f.next(2)) }
func (f *fields) u32() uint32 { return binary.BigEndian.Uint32(f.next(4)) }
func (f *fields) u64() uint64 { return binary.BigEndian.Uint64(f.next(8)) }

package media

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"time"
)

// The fast path for inspecting an upload. Nearly every phone, camera and editor writes the same kind of file: an
// index with one H.264 track of plain pictures, whose first sample is a key frame. For such a file, the tables show
// everything for which a full probe refuses a file, so ffprobe, which costs more than the rest of an upload together,
// is not started. A file that differs in any way is not refused here: the full probe (Probe) decides about it. Source
// of the tables: ISO/IEC 14496-12, 8.3–8.8; QuickTime writes the same.

// InspectFile returns a file's container, or refuses it, as Probe does. It runs FFmpeg only for files that do not
// qualify for the fast path. On the fast path the first picture is parsed but not decoded: Probe decodes it before
// the rendering.
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
		_, err = t.ffprobe(ctx, path, 0) // the client of the upload waits for it
	}
	if err != nil {
		return "", err
	}
	return l.container(), nil
}

// usual reports whether Probe with every version of FFmpeg would accept a file whose layout was accepted. It checks
// sound tracks too, because FFmpeg opens them and refuses a file with one that it does not support.
func usual(file io.ReaderAt, size int64, l layout) bool {
	r := &boxReader{ReaderAt: file}
	moov, err := r.box(l.Moov, size)
	if err != nil || l.Opaque || l.Unusual {
		return false
	}
	index := parts{}
	var tracks []parts
	whole, err := r.each(moov, func(b box) error {
		if b.Type == "trak" {
			p := parts{}
			if p.collect(r, b) {
				tracks = append(tracks, p)
			}
			return nil
		}
		return index.add(r, moov, b)
	})
	if err != nil || !whole || len(tracks) != len(l.Tracks) || !index.hasVersion(r, "moov/mvhd", 100, 112) {
		return false
	}
	videos := 0
	for _, p := range tracks {
		if !p.wellFormed(r, size) {
			return false
		}
		understood := false
		switch p.handler(r) {
		case "vide":
			videos++
			understood = p.usual(r, size)
		case "soun":
			understood = p.usualSound(r, l.container())
		case "meta": // where and how a phone was held; its samples are not read
			_, understood = p.description(r)
		}
		if !understood {
			return false
		}
	}
	return videos == 1
}

// parts are the boxes of a track by the last two elements of their path, such as "stbl/stsz".
type parts map[string]box

// usualBoxes are the boxes that the fast path accepts, by their parent. FFmpeg reads more boxes, but versions differ
// in how they read them.
var usualBoxes = map[string][]string{
	"moov": {"mvhd", "trak", "iods", "udta", "meta"},
	"trak": {"tkhd", "edts", "mdia", "tref", "tapt", "load", "udta", "meta"},
	"edts": {"elst"},
	"mdia": {"mdhd", "hdlr", "minf"},
	"minf": {"vmhd", "smhd", "nmhd", "gmhd", "hdlr", "dinf", "stbl"},
	"dinf": {"dref"},
	"stbl": {
		"stsd", "stts", "ctts", "cslg", "stss", "stsc", "stsz", "stco", "co64", "sdtp", "sgpd", "sbgp",
	},
	"avc1": {"avcC", "colr", "pasp", "btrt", "fiel"},
	"mp4a": {"esds", "wave", "chan", "btrt"},
	"wave": {"frma", "mp4a", "esds", "\x00\x00\x00\x00"},
}

// padding are boxes without content, which may occur anywhere.
var padding = []string{"free", "skip", "wide"}

// remarks are the boxes for metadata of any kind. The boxes inside them have types that do not occur elsewhere.
var remarks = []string{"udta", "meta", "gmhd", "tref"}

// within maps the boxes to descend into to their parents.
var within = map[string]string{
	"mdia": "trak", "edts": "trak", "minf": "mdia", "dinf": "minf", "stbl": "minf", "wave": "mp4a",
}

var errUnusual = errors.New("media: not a usual file")

// collect descends from trak. It returns false if a box is broken, duplicated, or not among usualBoxes.
func (p parts) collect(r *boxReader, parent box) bool {
	whole, err := r.each(parent, func(b box) error { return p.add(r, parent, b) })
	return whole && err == nil
}

func (p parts) add(r *boxReader, parent, b box) error {
	if slices.Contains(padding, b.Type) {
		return nil
	}
	key := parent.Type + "/" + b.Type
	_, twice := p[key]
	p[key] = b
	switch {
	case !slices.Contains(usualBoxes[parent.Type], b.Type),
		twice && b.Type != "sgpd" && b.Type != "sbgp",
		slices.Contains(remarks, b.Type) && !harmless(r, b),
		within[b.Type] == parent.Type && !p.collect(r, b):
		return errUnusual
	}
	return nil
}

// harmless reports whether metadata contain no boxes that describe tracks, as deep as FFmpeg descends.
func harmless(r *boxReader, parent box) bool {
	if parent.Type == "meta" { // has version and flags in MP4, not in QuickTime
		if first, err := r.fourCC(parent.Body+4, parent.End); err != nil || first != "hdlr" {
			parent.Body += 4
		}
	}
	whole, err := r.each(parent, func(b box) error {
		_, structure := usualBoxes[b.Type]
		switch {
		case b.Type == "meta" || b.Type == "ilst" || b.Type == "udta":
			if !harmless(r, b) {
				return errUnusual
			}
		case structure, b.Type == "mdat", b.Type == "moof", b.Type == "mvex", b.Type == "stsd":
			return errUnusual
		case b.Type == "covr": // an additional picture
			return errUnusual
		}
		return nil
	})
	return whole && err == nil
}

// hasVersion reports whether a box has version 0 or 1 and the length of that version.
func (p parts) hasVersion(r *boxReader, key string, length0, length1 int64) bool {
	version := p.content(r, key, 4, 4).u8()
	length := p[key].End - p[key].Body
	return version == 0 && length == length0 || version == 1 && length == length1
}

// content returns the first most bytes of a part, which must have at least the given length. If it has not, the
// result is broken.
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

// mostEntries bounds the bytes of a table that are read. Ten minutes at 240 frames per second, each of a different
// length, need less.
const mostEntries = 2 << 20

// tables are the parts with entries of a fixed length in bytes, after version, flags and count.
var tables = map[string]int64{
	"stbl/stts": 8, "stbl/ctts": 8, "stbl/stsc": 12, "stbl/stss": 4, "stbl/stco": 4, "stbl/co64": 8,
}

// wellFormed reports whether the headers of a track have the lengths of their versions, the edit list and the tables
// have their declared lengths, and every sample is in this file and assigned to a chunk.
func (p parts) wellFormed(r *boxReader, size int64) bool {
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
	n, ok := p.sizes(r, size)
	return ok && p.placed(r, counts["stbl/stsc"], counts["stbl/stco"]+counts["stbl/co64"]) == uint64(n) &&
		p.hasVersion(r, "trak/tkhd", 84, 96) && p.hasVersion(r, "mdia/mdhd", 24, 36) && p.ownData(r) && p.edits(r)
}

// sizes returns the number of samples, and whether each fits into a file of the given size in bytes.
func (p parts) sizes(r *boxReader, size int64) (samples uint32, ok bool) {
	f := p.content(r, "stbl/stsz", 12, mostEntries)
	f.skip(4)
	all, n := f.u32(), f.u32()
	length := p["stbl/stsz"].End - p["stbl/stsz"].Body
	if all > 0 {
		return n, !f.broken && length == 12 && int64(all) <= size
	}
	if f.broken || length != 12+4*int64(n) || length > mostEntries {
		return 0, false
	}
	for range n {
		if int64(f.u32()) > size {
			return 0, false
		}
	}
	return n, true
}

// edits reports whether the edit list, if there is one, has its declared length.
func (p parts) edits(r *boxReader) bool {
	b, edited := p["edts/elst"]
	if !edited {
		return true
	}
	f := p.content(r, "edts/elst", 8, 8)
	version := f.u8()
	f.skip(3)
	width := int64(12)
	if version == 1 {
		width = 20
	}
	return version <= 1 && b.End-b.Body == 8+width*int64(f.u32())
}

// placed returns the number of samples in the runs of the sample-to-chunk table, or 0 if the runs are not in order or
// do not end at the last chunk.
func (p parts) placed(r *boxReader, runs, chunks uint32) (samples uint64) {
	f := p.content(r, "stbl/stsc", 8, mostEntries)
	f.skip(8)
	var first, each uint32
	for range runs {
		next, n := f.u32(), f.u32()
		description := f.u32()
		if f.broken || n == 0 || description != 1 || next <= first || next > chunks || first == 0 && next != 1 {
			return 0
		}
		samples += uint64(next-first) * uint64(each)
		first, each = next, n
	}
	return samples + uint64(chunks-first+1)*uint64(each)
}

func (p parts) handler(r *boxReader) string {
	f := p.content(r, "mdia/hdlr", 24, 12)
	return string(f.next(12)[8:])
}

// usual reports whether the parts are those of a video track that qualifies for the fast path, in a file of the given
// size in bytes.
func (p parts) usual(r *boxReader, size int64) bool {
	a, ok := p.picture(r)
	if !ok || !p.plainEdit(r) {
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

// description returns the only entry of the sample descriptions, which must fill the box.
func (p parts) description(r *boxReader) (box, bool) {
	f := p.content(r, "stbl/stsd", 8+16, 8+16)
	version, entries := f.u32(), f.u32()
	f.skip(4 + 4 + 6) // the entry's length and type, and reserved bytes
	reference := f.u16()
	if f.broken || version != 0 || entries != 1 || reference != 1 {
		return box{}, false
	}
	b := p["stbl/stsd"]
	entry, err := r.box(b.Body+8, b.End)
	return entry, err == nil && entry.Body == entry.Start+8 && entry.End == b.End
}

// picture parses the sample description of a video track, which must be H.264.
func (p parts) picture(r *boxReader) (avc, bool) {
	const visual = 78 // bytes of a VisualSampleEntry between its header and its boxes: ISO/IEC 14496-12, 12.1.3
	entry, ok := p.description(r)
	entry.Body += visual
	inner := parts{}
	if !ok || entry.Type != "avc1" || entry.Body > entry.End || !inner.collect(r, entry) {
		return avc{}, false
	}
	config := inner.content(r, "avc1/avcC", 7, 1<<16)
	return readAVC(config.data)
}

// ownData reports whether the only data reference is this file.
func (p parts) ownData(r *boxReader) bool {
	f := p.content(r, "dinf/dref", 8+12, 8+12)
	f.skip(4)
	one := f.u32() == 1
	length := int64(f.u32())
	f.skip(4)
	const selfContained = 1
	b := p["dinf/dref"]
	return one && f.u32() == selfContained && !f.broken && length == b.End-b.Body-8
}

// plainEdit reports whether the whole track is shown at normal speed, as without an edit list. The start may be
// delayed for the reordering of pictures.
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

// times returns the number of samples in the time-to-sample table and their total duration, or 0 if that differs from
// the duration in the media header.
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

// firstSample returns the offset and length of the first sample, and the number of samples.
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

// fields reads big-endian numbers sequentially. Reads beyond the end return zero and set broken.
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

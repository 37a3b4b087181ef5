package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// An MP4 or QuickTime file is a row of boxes, each with its length and a type of four characters in front. Sources:
// ISO/IEC 14496-12, 4.2 (boxes), 4.3 (ftyp), 8.1–8.8 (the boxes used here); QuickTime File Format Specification,
// "Overview of QTFF" (atoms), for files older than ftyp.

// Container is the kind of file.
type Container string

// The containers that are accepted. 3GP files of old phones are ISO files and count as MP4.
const (
	MP4 Container = "mp4"
	MOV Container = "mov"
)

// maxBoxes bounds the boxes read from one file. Ten minutes in fragments of 100 ms have 12,000.
const maxBoxes = 50_000

// boxReader reads boxes from a file, up to maxBoxes of them.
type boxReader struct {
	io.ReaderAt
	boxes int // read so far
}

// layout is what a file's boxes say about it.
type layout struct {
	Brand  string // the major brand of ftyp, "" without one
	Moov   int64  // the offset of the first moov
	Media  int64  // the offset of the first mdat
	Tracks []track

	Opaque  bool // moov could not be followed: Tracks is not the whole truth
	Unusual bool // at the top there is more than ftyp, one moov, mdat and padding
}

// track is one trak box of moov.
type track struct {
	Handler   string // "vide", "soun", "meta", …; "" if not found
	LastChunk int64  // where the last chunk of its data begins in the file, 0 if not said
}

func (l layout) container() Container {
	if l.Brand == "" || l.Brand == "qt  " {
		return MOV
	}
	return MP4
}

func (l layout) has(handler string) bool {
	return slices.ContainsFunc(l.Tracks, func(t track) bool { return t.Handler == handler })
}

// box is one box's header and extent.
type box struct {
	Type       string
	Start      int64 // of the header
	Body       int64 // of what follows the header
	End        int64 // one past the last byte, as declared: may lie beyond the file
	wrongWidth bool  // declares less than its own header
}

// firstBoxes are the types a file may begin with: ftyp, and those of QuickTime files from before ftyp.
var firstBoxes = []string{"ftyp", "moov", "mdat", "wide", "free", "skip", "pnot"}

// topBoxes are the types that stand at the top of a file. One of them reaching beyond the end means that the end is
// missing; anything else there is garbage.
var topBoxes = append([]string{
	"moof", "mfra", "sidx", "ssix", "styp", "prft", "emsg", "pdin", "meta", "meco", "uuid", "udta",
}, firstBoxes...)

// otherBrands are major brands of ISO files that are not videos: pictures (HEIF, AVIF, Canon raw) and music.
var otherBrands = []string{
	"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "mif2", "msf1", "avif", "avis", "crx ", "jpeg",
	"M4A ", "M4B ", "M4P ", "F4A ", "F4B ",
}

// readLayout reads a file's boxes, a few dozen bytes at a time, and refuses what is not a whole MP4 or QuickTime file.
//
// A file with its end cut off is refused wherever the cut is, because a box then reaches beyond the end, or moov or the
// media data are missing, or a track's last chunk is. What follows the last complete box is tolerated when it cannot be
// the rest of one: fewer than 8 bytes, zeros, or anything without the type of a top-level box, as some cameras and
// transfer programs leave it. Two cuts cannot be seen: one between the fragments of a recording in fragments, which is a
// shorter recording then; and one within the last chunk of an mdat of undeclared length.
func readLayout(file io.ReaderAt, size int64) (layout, error) {
	r := &boxReader{ReaderAt: file}
	l := layout{Moov: -1, Media: -1}
	if size == 0 {
		return l, refuse(Empty, "no bytes")
	}
	var moov box
	var picture bool
	for at := int64(0); at < size; {
		b, err := r.box(at, size)
		if err != nil && !errors.Is(err, errNoBox) {
			return l, err
		}
		if last, err := l.judge(b, err == nil, at, size); last || err != nil {
			if err == nil {
				err = l.check(r, moov, size)
			}
			return l, err
		}
		switch {
		case b.Type == "ftyp":
			err = l.readBrand(r, b)
		case b.Type == "moov" && l.Moov < 0:
			l.Moov, moov = b.Start, b
		case b.Type == "mdat":
			if l.Media < 0 {
				l.Media = b.Start
			}
		case slices.Contains(padding, b.Type):
		default:
			l.Unusual = true
			picture = picture || b.Type == "meta"
		}
		if err != nil {
			return l, err
		}
		at = b.End
	}
	switch {
	case l.Moov < 0 && picture:
		return l, refuse(NotVideo, "a picture file")
	case l.Moov < 0:
		return l, refuse(Truncated, "no moov box")
	case l.Media < 0:
		return l, refuse(Truncated, "no media data")
	}
	return l, l.check(r, moov, size)
}

// judge decides what to make of the next box at the top, if there is one: go on, stop because the rest is garbage behind
// a whole file, or refuse.
func (l *layout) judge(b box, isBox bool, at, size int64) (last bool, err error) {
	first, whole := at == 0, l.Moov >= 0 && l.Media >= 0
	beyond := isBox && b.End > size
	begins := []string{"ftyp", "moov", "mdat"}
	switch {
	case first && (!isBox || !slices.Contains(firstBoxes, b.Type)),
		first && beyond && !slices.Contains(begins, b.Type):
		return false, refuse(NotVideo, "does not begin like MP4 or QuickTime")
	case whole && (!isBox || b.wrongWidth || beyond && !slices.Contains(topBoxes, b.Type)):
		return true, nil
	case !isBox || beyond:
		return false, refuse(Truncated, "the box at byte %d is not complete", at)
	case b.wrongWidth:
		return false, refuse(Unplayable, "the box at byte %d is shorter than its header", at)
	}
	return false, nil
}

// readBrand takes the major brand of ftyp, and refuses those of pictures and music.
func (l *layout) readBrand(r *boxReader, b box) error {
	var err error
	if l.Brand, err = r.fourCC(b.Body, b.End); err != nil {
		return err
	}
	if slices.Contains(otherBrands, l.Brand) {
		return refuse(NotVideo, "a file of brand %q", l.Brand)
	}
	return nil
}

// check follows moov and refuses what its tracks show to be unusable.
func (l *layout) check(r *boxReader, moov box, size int64) error {
	if err := l.readTracks(r, moov); err != nil {
		return err
	}
	if len(l.Tracks) > MaxStreams {
		return refuse(TooManyStreams, "more than %d tracks", MaxStreams)
	}
	for _, t := range l.Tracks {
		if t.LastChunk >= size {
			return refuse(Truncated, "the data of a track lie beyond the end")
		}
	}
	if !l.Opaque && !l.has("vide") {
		return refuse(NoVideo, "no video track")
	}
	return nil
}

// errNoBox means that too few bytes are left for a header, or that they are all zero.
var errNoBox = errors.New("media: no box here")

// box reads the header at an offset before limit, which is the end of what surrounds the box.
func (r *boxReader) box(at, limit int64) (box, error) {
	if r.boxes++; r.boxes > maxBoxes {
		return box{}, refuse(Unplayable, "more than %d boxes", maxBoxes)
	}
	var h [16]byte
	n := min(limit-at, int64(len(h)))
	if n < 8 {
		return box{}, errNoBox
	}
	if err := readAt(r, h[:n], at); err != nil {
		return box{}, err
	}
	b := box{Type: string(h[4:8]), Start: at, Body: at + 8}
	length := int64(binary.BigEndian.Uint32(h[:4]))
	switch {
	case length == 0 && b.Type == "\x00\x00\x00\x00":
		return box{}, errNoBox
	case length == 0:
		length = limit - at
	case length == 1 && n < 16:
		return box{}, errNoBox
	case length == 1: // the real length is in the next 64 bits
		large := binary.BigEndian.Uint64(h[8:16])
		b.Body = at + 16
		length = int64(min(large, 1<<62))
	}
	b.End = at + length
	if b.End < at { // only with an offset near the end of what 64 bits can say
		b.End = 1<<63 - 1
	}
	b.wrongWidth = b.End < b.Body
	return b, nil
}

// fourCC reads the four characters at an offset, or "" where there is no room for them.
func (r *boxReader) fourCC(at, limit int64) (string, error) {
	if limit-at < 4 {
		return "", nil
	}
	var t [4]byte
	if err := readAt(r, t[:], at); err != nil {
		return "", err
	}
	return string(t[:]), nil
}

func readAt(r io.ReaderAt, p []byte, at int64) error {
	if n, err := r.ReadAt(p, at); n < len(p) {
		return fmt.Errorf("media: read at byte %d: %w", at, err)
	}
	return nil
}

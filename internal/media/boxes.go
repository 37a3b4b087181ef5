package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// An MP4 or QuickTime file is a sequence of boxes, each with a header of its length and a four-character type.
// Sources: ISO/IEC 14496-12, 4.2 (boxes), 4.3 (ftyp), 8.1–8.8 (the boxes used here); QuickTime File Format
// Specification, "Overview of QTFF" (atoms), for files older than ftyp.

// Container is the container format of a file.
type Container string

// The accepted containers. 3GP files of old phones are ISO files and count as MP4.
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

// layout is the information in a file's boxes.
type layout struct {
	Brand  string // the major brand of ftyp, "" without one
	Moov   int64  // the offset of the first moov
	Media  int64  // the offset of the first mdat
	Tracks []track

	Opaque  bool // moov could not be parsed completely, so Tracks is incomplete
	Unusual bool // the top level has more than ftyp, one moov, mdat and padding
}

// track is one trak box of moov.
type track struct {
	Handler   string // "vide", "soun", "meta", …; "" if not found
	LastChunk int64  // file offset of its last chunk, 0 if unknown
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
	Body       int64 // of the content after the header
	End        int64 // one past the last byte, as declared; may be beyond the file
	wrongWidth bool  // declares less than its own header
}

// firstBoxes are the types with which a file may begin: ftyp, and those of QuickTime files from before ftyp.
var firstBoxes = []string{"ftyp", "moov", "mdat", "wide", "free", "skip", "pnot"}

// topBoxes are the types at the top level of a file. One that extends beyond the end means that the file is
// truncated; any other type there is garbage.
var topBoxes = append([]string{
	"moof", "mfra", "sidx", "ssix", "styp", "prft", "emsg", "pdin", "meta", "meco", "uuid", "udta",
}, firstBoxes...)

// otherBrands are major brands of ISO files that are not videos: images (HEIF, AVIF, Canon raw) and music.
var otherBrands = []string{
	"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "mif2", "msf1", "avif", "avis", "crx ", "jpeg",
	"M4A ", "M4B ", "M4P ", "F4A ", "F4B ",
}

// readLayout reads a file's boxes, a few dozen bytes at a time, and refuses a file that is not a complete MP4 or
// QuickTime file.
//
// It refuses a truncated file, because then a box extends beyond the end, or moov, the media data or a track's last
// chunk is missing. It tolerates trailing data that cannot be the rest of a box: fewer than 8 bytes, zeros, or
// anything without the type of a top-level box, as some cameras and transfer programs append it. It cannot detect two
// truncations: between the fragments of a fragmented recording, which leaves a shorter recording; and within the last
// chunk of an mdat of undeclared length.
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

// judge decides about the next box at the top level, if there is one: continue, stop because the rest is garbage
// after a complete file, or refuse.
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

// readBrand reads the major brand of ftyp, and refuses those of images and music.
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

// check parses moov and refuses a file whose tracks are unusable.
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

// errNoBox means that too few bytes remain for a header, or that they are all zero.
var errNoBox = errors.New("media: no box here")

// box reads the header at an offset. limit is the end of the enclosing box or file.
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
	case length == 1: // the length is in the next 64 bits
		large := binary.BigEndian.Uint64(h[8:16])
		b.Body = at + 16
		length = int64(min(large, 1<<62))
	}
	b.End = at + length
	if b.End < at { // overflow: the offset is near the maximum of 64 bits
		b.End = 1<<63 - 1
	}
	b.wrongWidth = b.End < b.Body
	return b, nil
}

// fourCC reads the four characters at an offset, or returns "" if fewer remain before limit.
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

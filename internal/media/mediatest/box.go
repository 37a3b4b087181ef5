package mediatest

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
)

// A writer of MP4 boxes, for files that no program would write (ISO/IEC 14496-12; QuickTime File Format).

func u16(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }
func u32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
func u64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
func zeros(n int) []byte  { return make([]byte, n) }

// box makes a box with its true length.
func box(kind string, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return sized(kind, uint32(8+len(body)), body)
}

// sized makes a box that declares any length.
func sized(kind string, size uint32, body []byte) []byte {
	return slices.Concat(u32(size), []byte(kind), body)
}

// full makes a box with a version and flags.
func full(kind string, flags uint32, parts ...[]byte) []byte {
	return box(kind, u32(flags), slices.Concat(parts...))
}

func ftyp() []byte { return box("ftyp", []byte("isom"), u32(512), []byte("isommp41")) }

// movie is a file with one video track, of which each hostile file changes one property. Its pictures are in one
// chunk at the end of the file.
type movie struct {
	Pictures      [][]byte
	Entry         string // the sample entry's type: "jpeg", "png "
	Width, Height uint16 // as declared
	Scale         uint32 // time units per second
	Delta         uint32 // time units per picture
	Length        uint32 // in time units, as the headers declare it

	Times, Sizes, Edits, References []byte // boxes instead of stts, stsz, edts and dref; nil for valid ones
	Extra                           []byte // boxes at the end of moov
	Tracks                          int    // number of identical tracks
	Media                           []byte // instead of the pictures
}

// still returns a movie of two seconds, with the same picture twice per second.
func still() movie {
	m := movie{Entry: "jpeg", Width: 64, Height: 48, Scale: 1000, Delta: 500, Length: 2000, Tracks: 1}
	for range 4 {
		m.Pictures = append(m.Pictures, picture(color.RGBA{200, 80, 20, 255}))
	}
	return m
}

// picture returns a JPEG of 64×48.
func picture(c color.Color) []byte {
	m := image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420)
	y, cb, cr, _ := colorParts(c)
	for i := range m.Y {
		m.Y[i] = y
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = cb, cr
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, nil); err != nil {
		panic(err) // cannot fail in memory
	}
	return out.Bytes()
}

func colorParts(c color.Color) (y, cb, cr, a uint8) {
	r, g, b, alpha := c.RGBA()
	y, cb, cr = color.RGBToYCbCr(uint8(r>>8), uint8(g>>8), uint8(b>>8))
	return y, cb, cr, uint8(alpha >> 8)
}

// resized makes a JPEG declare another size than its data have.
func resized(jpeg []byte, width, height uint16) []byte {
	out := slices.Clone(jpeg)
	at := bytes.Index(out, []byte{0xff, 0xc0}) // the frame header: length, precision, height, width
	binary.BigEndian.PutUint16(out[at+5:], height)
	binary.BigEndian.PutUint16(out[at+7:], width)
	return out
}

// bytes returns the whole file.
func (m movie) bytes() []byte {
	media := m.Media
	if media == nil {
		media = slices.Concat(m.Pictures...)
	}
	offset := len(ftyp()) + len(m.moov(0)) + 8
	return slices.Concat(ftyp(), m.moov(uint32(offset)), box("mdat", media))
}

func (m movie) moov(offset uint32) []byte {
	parts := [][]byte{full("mvhd", 0, zeros(8), u32(m.Scale), u32(m.Length), u32(1<<16), u16(1<<8), zeros(10), matrix(), zeros(24), u32(2))}
	for i := range m.Tracks {
		parts = append(parts, m.trak(uint32(i+1), offset))
	}
	return box("moov", append(parts, m.Extra)...)
}

func matrix() []byte {
	return slices.Concat(u32(1<<16), zeros(12), u32(1<<16), zeros(12), u32(1<<30))
}

func (m movie) trak(id, offset uint32) []byte {
	references := m.References
	if references == nil {
		references = full("dref", 0, u32(1), full("url ", 1))
	}
	return box("trak",
		full("tkhd", 3, zeros(8), u32(id), zeros(4), u32(m.Length), zeros(16), matrix(), u32(uint32(m.Width)<<16), u32(uint32(m.Height)<<16)),
		m.Edits,
		box("mdia",
			full("mdhd", 0, zeros(8), u32(m.Scale), u32(m.Length), u16(0x55c4), zeros(2)),
			full("hdlr", 0, zeros(4), []byte("vide"), zeros(12), []byte("video\x00")),
			box("minf", full("vmhd", 1, zeros(8)), box("dinf", references), m.stbl(offset))))
}

func (m movie) stbl(offset uint32) []byte {
	count := uint32(len(m.Pictures))
	times, sizes := m.Times, m.Sizes
	if times == nil {
		times = full("stts", 0, u32(1), u32(count), u32(m.Delta))
	}
	if sizes == nil {
		list := [][]byte{u32(0), u32(count)}
		for _, p := range m.Pictures {
			list = append(list, u32(uint32(len(p))))
		}
		sizes = full("stsz", 0, list...)
	}
	entry := box(m.Entry, zeros(6), u16(1), zeros(16), u16(m.Width), u16(m.Height), u32(72<<16), u32(72<<16), zeros(4), u16(1),
		zeros(32), u16(24), u16(0xffff))
	return box("stbl", full("stsd", 0, u32(1), entry), times, full("stsc", 0, u32(1), u32(1), u32(count), u32(1)), sizes,
		full("stco", 0, u32(1), u32(offset)))
}

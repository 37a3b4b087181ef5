package media

import (
	"bytes"
	"io"
)

// H.264 as MP4 holds it. Sources: ISO/IEC 14496-15, 5.3.3.1 (avcC) and 5.2.3 (samples); ITU-T H.264, 7.3 (syntax), 7.4.1
// (NAL units), 9.1 (Exp-Golomb codes).

// avc is what the configuration of an H.264 track says, as far as it is needed.
type avc struct {
	Width, Height int // of the coded picture in pixels, without cropping
	LengthSize    int64
	PictureSets   map[uint32]bool // their ids
}

const (
	nalSlice = 1
	nalKey   = 5 // a slice of an IDR picture, from which decoding can start
	nalSPS   = 7
	nalPPS   = 8
	nalLast  = 12 // of the types that a plain stream has
)

// readAVC reads avcC, and reports false where it is anything but one set for pictures of 8 bits and 4:2:0, as every
// decoder knows them.
func readAVC(config []byte) (a avc, usual bool) {
	f := &fields{data: config}
	version := f.u8()
	f.skip(3)
	a.LengthSize = int64(f.u8()&3) + 1
	sets := f.u8() & 31
	sequence := f.next(int(f.u16()))
	if f.broken || version != 1 || sets != 1 || a.LengthSize == 3 || !a.readSPS(sequence) {
		return avc{}, false
	}
	a.PictureSets = map[uint32]bool{}
	for range f.u8() {
		b := &bits{data: plain(f.next(int(f.u16())))}
		kind, id := b.u(8), b.ue()
		if kind&0x9f != nalPPS || b.broken {
			return avc{}, false
		}
		a.PictureSets[id] = true
	}
	return a, !f.broken && len(a.PictureSets) > 0
}

// readSPS takes the size of the picture from a sequence parameter set.
func (a *avc) readSPS(set []byte) bool {
	b := &bits{data: plain(set)}
	if b.u(8)&0x9f != nalSPS {
		return false
	}
	profile := b.u(8)
	b.u(16) // constraints and level
	b.ue()  // id
	switch profile {
	case 66, 77, 88: // Baseline, Main, Extended
	case 100: // High: 4:2:0, 8 and 8 bits, no lossless coding, no matrices of its own
		if b.ue() != 1 || b.ue() != 0 || b.ue() != 0 || b.u(2) != 0 {
			return false
		}
	default:
		return false
	}
	b.ue() // frame numbers
	switch b.ue() {
	case 0:
		b.ue()
	case 2:
	default:
		return false
	}
	b.ue() // reference frames
	b.u(1)
	const macroblock, most = 16, 1 << 12
	width, height, frames := b.ue()+1, b.ue()+1, b.u(1)
	if b.broken || width > most || height > most {
		return false
	}
	a.Width, a.Height = int(width)*macroblock, int(height)*macroblock*int(2-frames)
	return true
}

// beginsWith tells whether the n bytes at an offset are units that end where the sample ends, none of them sets, and the first
// of a picture among them begins a key frame.
func (a avc) beginsWith(r io.ReaderAt, at, n int64) bool {
	const mostUnits, enough = 1000, 64
	found := false
	for end, units := at+n, 0; at < end; units++ {
		var head [4]byte
		if units == mostUnits || end-at <= a.LengthSize || readAt(r, head[4-a.LengthSize:], at) != nil {
			return false
		}
		f := fields{data: head[:]}
		length := int64(f.u32())
		at += a.LengthSize
		if length == 0 || length > end-at {
			return false
		}
		unit := make([]byte, min(length, enough))
		if readAt(r, unit, at) != nil {
			return false
		}
		kind := unit[0] & 31
		switch {
		case unit[0]&0x80 != 0, kind == 0, kind > nalLast, kind < nalKey && !found:
			return false
		case kind == nalSPS, kind == nalPPS: // which may say something else than the configuration
			return false
		}
		if kind == nalKey && !found {
			if found = a.keyFrame(unit[1:]); !found {
				return false
			}
		}
		at += length
	}
	return found
}

// keyFrame reads the head of a slice.
func (a avc) keyFrame(slice []byte) bool {
	b := &bits{data: plain(slice)}
	first, kind, set := b.ue(), b.ue(), b.ue()
	const intra = 2 // and 7, where all the slices of the picture are
	return first == 0 && kind%5 == intra && a.PictureSets[set] && !b.broken
}

// plain removes the bytes that keep a unit free of start codes.
func plain(unit []byte) []byte {
	return bytes.ReplaceAll(unit, []byte{0, 0, 3}, []byte{0, 0})
}

// bits reads codes one after the other. What is not there is zero, and broken.
type bits struct {
	data   []byte
	at     int
	broken bool
}

// u reads n bits, at most 32.
func (b *bits) u(n int) uint32 {
	if b.broken || b.at+n > 8*len(b.data) {
		b.broken = true
		return 0
	}
	value := uint32(0)
	for range n {
		value = value<<1 | uint32(b.data[b.at/8]>>(7-b.at%8))&1
		b.at++
	}
	return value
}

// ue reads an Exp-Golomb code, of at most 31 bits.
func (b *bits) ue() uint32 {
	zeros := 0
	for b.u(1) == 0 {
		if zeros++; b.broken || zeros > 15 {
			b.broken = true
			return 0
		}
	}
	return 1<<zeros - 1 + b.u(zeros)
}

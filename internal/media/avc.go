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
	Sequence      sequenceSet
	Pictures      map[uint32]pictureSet // by their ids
}

// sequenceSet is what the head of a slice needs of a sequence parameter set.
type sequenceSet struct {
	ID              uint32
	FrameNumberBits int
	OrderBits       int // of a picture's place in the order; 0 if it is not said
	Frames          bool
}

// pictureSet is what the head of a slice needs of a picture parameter set.
type pictureSet struct {
	Arithmetic bool // arithmetic coding, CABAC
	BothOrders bool // each field of a frame has its place in the order
	Quantizer  int
	Deblocking bool // is controlled
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
	a.Pictures = map[uint32]pictureSet{}
	for range f.u8() {
		if !a.readPPS(f.next(int(f.u16()))) {
			return avc{}, false
		}
	}
	return a, !f.broken && len(a.Pictures) > 0
}

// readSPS takes the size of the picture from a sequence parameter set, which must be whole: ITU-T H.264, 7.3.2.1.1.
func (a *avc) readSPS(set []byte) bool {
	b := &bits{data: plain(set)}
	if b.u(8)&0x9f != nalSPS {
		return false
	}
	profile := b.u(8)
	b.u(16) // constraints and level
	a.Sequence.ID = b.ue()
	switch profile {
	case 66, 77, 88: // Baseline, Main, Extended
	case 100: // High: 4:2:0, 8 and 8 bits, no lossless coding, no matrices of its own
		if b.ue() != 1 || b.ue() != 0 || b.ue() != 0 || b.u(2) != 0 {
			return false
		}
	default:
		return false
	}
	const leastBits, moreBits = 4, 12 // of numbers of frames and of their order
	number := b.ue()
	a.Sequence.FrameNumberBits = leastBits + int(min(number, moreBits))
	ok := a.Sequence.ID < 32 && number <= moreBits
	switch b.ue() {
	case 0:
		order := b.ue()
		a.Sequence.OrderBits = leastBits + int(min(order, moreBits))
		ok = ok && order <= moreBits
	case 2:
	default:
		return false
	}
	ok = ok && b.ue() <= 16 // reference frames
	b.u(1)
	const macroblock, most = 16, 1 << 12
	width, height, frames := b.ue()+1, b.ue()+1, b.u(1)
	if b.broken || width > most || height > most {
		return false
	}
	a.Width, a.Height = int(width)*macroblock, int(height)*macroblock*int(2-frames)
	a.Sequence.Frames = frames == 1
	b.u(int(2 - frames)) // fields or frames by macroblock, inference of motion
	if b.u(1) == 1 {     // cropped
		sides, ends := uint64(b.ue())+uint64(b.ue()), uint64(b.ue())+uint64(b.ue())
		ok = ok && 2*sides < uint64(a.Width) && 2*uint64(2-frames)*ends < uint64(a.Height)
	}
	if b.u(1) == 1 {
		ok = ok && b.skipVUI()
	}
	return ok && b.end()
}

// skipVUI reads the parameters of usability: ITU-T H.264, E.1.1.
func (b *bits) skipVUI() bool {
	const extended = 255
	if b.u(1) == 1 && b.u(8) == extended { // shape of a pixel
		b.u(32)
	}
	if b.u(1) == 1 { // overscan
		b.u(1)
	}
	if b.u(1) == 1 { // format and range
		b.u(4)
		if b.u(1) == 1 { // primaries, transfer, matrix
			b.u(24)
		}
	}
	if b.u(1) == 1 { // places of chroma samples
		b.ue()
		b.ue()
	}
	if b.u(1) == 1 { // timing
		b.u(32)
		b.u(32)
		b.u(1)
	}
	network := b.u(1)
	ok := network == 0 || b.skipHRD()
	video := b.u(1)
	ok = ok && (video == 0 || b.skipHRD())
	if network|video == 1 {
		b.u(1)
	}
	b.u(1)
	if b.u(1) == 1 { // restrictions
		b.u(1)
		for range 4 {
			b.ue()
		}
		reordered, held := b.ue(), b.ue()
		ok = ok && reordered <= held && held <= 16
	}
	return ok && !b.broken
}

// skipHRD reads the parameters of a hypothetical decoder: ITU-T H.264, E.1.2.
func (b *bits) skipHRD() bool {
	buffers := b.ue() + 1
	if buffers > 32 {
		return false
	}
	b.u(8)
	for range buffers {
		b.ue()
		b.ue()
		b.u(1)
	}
	b.u(20)
	return true
}

// readPPS notes a picture parameter set, which must be whole, and of the sequence: ITU-T H.264, 7.3.2.2.
func (a *avc) readPPS(set []byte) bool {
	b := &bits{data: plain(set)}
	if b.u(8)&0x9f != nalPPS {
		return false
	}
	var p pictureSet
	id, sequence := b.ue(), b.ue()
	p.Arithmetic, p.BothOrders = b.u(1) == 1, b.u(1) == 1
	groups := b.ue()
	references := max(b.ue(), b.ue())
	b.u(1)
	bipredictive := b.u(2)
	quantizer, switching, chroma := b.se(), b.se(), b.se()
	p.Quantizer = quantizerMiddle + quantizer
	p.Deblocking = b.u(1) == 1
	b.u(1)
	redundant := b.u(1)
	ok := id < 256 && sequence == a.Sequence.ID && groups == 0 && references < 32 && bipredictive <= 2 && redundant == 0 &&
		fitsQuantizer(quantizer) && fitsQuantizer(switching) && fitsChroma(chroma)
	if ok && !b.end() {
		b.u(1)
		ok = b.u(1) == 0 && fitsChroma(b.se()) // no matrices of its own
	}
	a.Pictures[id] = p
	return ok && b.end()
}

const quantizerMiddle, quantizerMost = 26, 51

func fitsQuantizer(offset int) bool { return -quantizerMiddle <= offset && offset < quantizerMiddle }
func fitsChroma(offset int) bool    { return -12 <= offset && offset <= 12 }

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

// keyFrame reads the head of the first slice of a key frame: ITU-T H.264, 7.3.3.
func (a avc) keyFrame(slice []byte) bool {
	b := &bits{data: plain(slice)}
	first, kind := b.ue(), b.ue()
	p, known := a.Pictures[b.ue()]
	const intra = 2                            // and 7, where all the slices of the picture are
	number := b.u(a.Sequence.FrameNumberBits)  // of a key frame it is 0
	field := !a.Sequence.Frames && b.u(1) == 1 // and whether it is the lower one
	if field {
		b.u(1)
	}
	key := b.ue()
	b.u(a.Sequence.OrderBits)
	if p.BothOrders && !field && a.Sequence.OrderBits > 0 {
		b.se()
	}
	b.u(2) // which pictures are kept
	quantizer := p.Quantizer + b.se()
	ok := known && first == 0 && kind%5 == intra && number == 0 && key < 1<<16 && 0 <= quantizer && quantizer <= quantizerMost
	if p.Deblocking {
		how := b.ue()
		ok = ok && how <= 2
		if how != 1 {
			strength, edge := b.se(), b.se()
			ok = ok && -6 <= min(strength, edge) && max(strength, edge) <= 6
		}
	}
	for p.Arithmetic && b.at%8 != 0 {
		ok = ok && b.u(1) == 1
	}
	return ok && !b.broken
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

// ue reads an Exp-Golomb code.
func (b *bits) ue() uint32 {
	zeros := 0
	for b.u(1) == 0 {
		if zeros++; b.broken || zeros > 31 {
			b.broken = true
			return 0
		}
	}
	return 1<<zeros - 1 + b.u(zeros)
}

// se reads a signed Exp-Golomb code.
func (b *bits) se() int {
	code := int(b.ue())
	if code%2 == 0 {
		return -code / 2
	}
	return (code + 1) / 2
}

// end tells whether what is left is the end of a set: a one, and zeros. It reads nothing.
func (b *bits) end() bool {
	rest := *b
	if rest.u(1) == 0 {
		return false
	}
	for rest.at < 8*len(rest.data) {
		if rest.u(1) == 1 {
			return false
		}
	}
	return !rest.broken
}

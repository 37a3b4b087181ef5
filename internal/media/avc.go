package media

import (
	"bytes"
	"io"
)

// H.264 in MP4. Sources: ISO/IEC 14496-15, 5.3.3.1 (avcC) and 5.2.3 (samples); ITU-T H.264, 7.3 (syntax), 7.4.1 (NAL
// units), 9.1 (Exp-Golomb codes).

// avc is the part of an H.264 track's configuration that the fast path needs.
type avc struct {
	Width, Height int // of the coded picture in pixels, without cropping
	LengthSize    int64
	Sequence      sequenceSet
	Pictures      map[uint32]pictureSet // by their ids
}

// sequenceSet is the part of a sequence parameter set that is needed to parse a slice header.
type sequenceSet struct {
	ID              uint32
	FrameNumberBits int
	OrderBits       int // of pic_order_cnt_lsb; 0 if it is not present
	Frames          bool
}

// pictureSet is the part of a picture parameter set that is needed to parse a slice header.
type pictureSet struct {
	Arithmetic bool // arithmetic coding, CABAC
	BothOrders bool // bottom_field_pic_order_in_frame_present_flag
	Quantizer  int
	Deblocking bool // deblocking_filter_control_present_flag
}

const (
	nalSlice = 1
	nalKey   = 5 // a slice of an IDR picture, at which decoding can start
	nalSPS   = 7
	nalPPS   = 8
	nalLast  = 12 // highest type in a plain stream
)

// readAVC parses avcC. It returns false unless avcC has exactly one sequence parameter set, for 8-bit 4:2:0 pictures,
// which every decoder supports.
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

// readSPS reads the picture size from a sequence parameter set, which must be complete: ITU-T H.264, 7.3.2.1.1.
func (a *avc) readSPS(set []byte) bool {
	b := &bits{data: plain(set)}
	if b.u(8)&0x9f != nalSPS {
		return false
	}
	profile := b.u(8)
	b.u(16) // constraint flags and level
	a.Sequence.ID = b.ue()
	switch profile {
	case 66, 77, 88: // Baseline, Main, Extended
	case 100: // High: 4:2:0, 8 bits, no lossless coding, no scaling matrices
		if b.ue() != 1 || b.ue() != 0 || b.ue() != 0 || b.u(2) != 0 {
			return false
		}
	default:
		return false
	}
	const leastBits, moreBits = 4, 12 // of log2_max_frame_num and log2_max_pic_order_cnt_lsb
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
	b.u(int(2 - frames)) // mb_adaptive_frame_field_flag, direct_8x8_inference_flag
	if b.u(1) == 1 {     // frame cropping
		sides, ends := uint64(b.ue())+uint64(b.ue()), uint64(b.ue())+uint64(b.ue())
		ok = ok && 2*sides < uint64(a.Width) && 2*uint64(2-frames)*ends < uint64(a.Height)
	}
	if b.u(1) == 1 {
		ok = ok && b.skipVUI()
	}
	return ok && b.end()
}

// skipVUI skips the video usability information: ITU-T H.264, E.1.1.
func (b *bits) skipVUI() bool {
	const extended = 255
	if b.u(1) == 1 && b.u(8) == extended { // sample aspect ratio
		b.u(32)
	}
	if b.u(1) == 1 { // overscan
		b.u(1)
	}
	if b.u(1) == 1 { // video format and range
		b.u(4)
		if b.u(1) == 1 { // primaries, transfer, matrix
			b.u(24)
		}
	}
	if b.u(1) == 1 { // chroma sample locations
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
	if b.u(1) == 1 { // bitstream restrictions
		b.u(1)
		for range 4 {
			b.ue()
		}
		reordered, held := b.ue(), b.ue()
		ok = ok && reordered <= held && held <= 16
	}
	return ok && !b.broken
}

// skipHRD skips the parameters of the hypothetical reference decoder: ITU-T H.264, E.1.2.
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

// readPPS stores a picture parameter set, which must be complete and refer to the sequence parameter set: ITU-T
// H.264, 7.3.2.2.
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
		ok = b.u(1) == 0 && fitsChroma(b.se()) // no scaling matrices
	}
	a.Pictures[id] = p
	return ok && b.end()
}

const quantizerMiddle, quantizerMost = 26, 51

func fitsQuantizer(offset int) bool { return -quantizerMiddle <= offset && offset < quantizerMiddle }
func fitsChroma(offset int) bool    { return -12 <= offset && offset <= 12 }

// beginsWith reports whether the n bytes at an offset are NAL units that fill the sample exactly, contain no
// parameter sets, and whose first slice begins a key frame.
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
		case kind == nalSPS, kind == nalPPS: // may contradict the configuration
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

// keyFrame parses the header of the first slice of a key frame: ITU-T H.264, 7.3.3.
func (a avc) keyFrame(slice []byte) bool {
	b := &bits{data: plain(slice)}
	first, kind := b.ue(), b.ue()
	p, known := a.Pictures[b.ue()]
	const intra = 2                            // or 7, if all slices of the picture are intra
	number := b.u(a.Sequence.FrameNumberBits)  // 0 in a key frame
	field := !a.Sequence.Frames && b.u(1) == 1 // then bottom_field_flag follows
	if field {
		b.u(1)
	}
	key := b.ue()
	b.u(a.Sequence.OrderBits)
	if p.BothOrders && !field && a.Sequence.OrderBits > 0 {
		b.se()
	}
	b.u(2) // reference picture marking
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

// plain removes the emulation prevention bytes of a NAL unit.
func plain(unit []byte) []byte {
	return bytes.ReplaceAll(unit, []byte{0, 0, 3}, []byte{0, 0})
}

// bits reads codes sequentially. Reads beyond the end return zero and set broken.
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

// ue reads an unsigned Exp-Golomb code.
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

// end reports whether only the trailing bits remain: a one, then zeros. It does not advance.
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

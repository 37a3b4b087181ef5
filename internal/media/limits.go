package media

import "time"

// What a video may be. Whatever goes beyond is refused by [Tools.Probe].
const (
	MaxDuration  = 10 * time.Minute // as the file declares it; at most MaxPlay of it is ever decoded
	MaxStreams   = 16               // tracks of any kind; phones write up to about six, with their timed metadata
	MaxFrameRate = 240              // frames per second, rounded; phones' slow motion has that

	// MaxPixels is the area of 8K UHD, 7680×4320. Decoders get a little more (decoderPixels), for they count
	// whole coding blocks.
	MaxPixels = 7680 * 4320

	decoderPixels = 36_000_000
)

// What a rendition is.
const (
	Width     = 1280 // pixels, of the rendition and of the poster
	Height    = 720
	FrameRate = 30 // constant, frames per second

	MaxPlay       = 30 * time.Second
	CurtainLength = 2500 * time.Millisecond // each of the two

	maxPlayFrames = int(MaxPlay/time.Second) * FrameRate
	curtainFrames = int(CurtainLength * FrameRate / time.Second)
)

// Limits of a run of FFmpeg.
const (
	// Processor time. For a rendition it is a minute for starting, curtains and finishing, and ten seconds for each second
	// of 1080p30, of which a slow core needs less than one. ffprobe usually needs a tenth of a second, for an 8K frame one.
	probeCPU         = 20 * time.Second
	renderBaseCPU    = time.Minute
	renderCPUPerPlay = 10
	renderMaxCPU     = time.Hour
	stallLimit       = 2 * time.Minute // without progress
	probeClockLimit  = 10 * time.Minute
	renderClockLimit = 24 * time.Hour

	baseAddressSpace = 3 << 29 // 1.5 GiB: programs, libraries, encoder, scaled frames
	framesHeld       = 24      // full-size frames a decoder and its threads may hold at once
	framesProbed     = 8       // the same for one thread on the way to the first picture: 8K has no more to refer to
	bytesPerPixel    = 6       // of the widest pixel format, 4:4:4 in 16 bits

	maxOpenFiles = 64      // libraries are opened one after the other
	maxReport    = 1 << 20 // bytes of ffprobe's output, which usually has two thousand

	maxOutputBytes = 256 << 20 // ten times what 35 s at the highest bit rate come to
)

// cpuLimit is the processor time that rendering a clip may take: a minute, and ten seconds for each second of play,
// multiplied by how many times its picture is larger than 1920×1080 and its rate higher than 30 frames per second; an hour
// at most. So 30 s of 1080p30 may take 6 minutes, and of 4K at 60 about 41.
func cpuLimit(c Clip) time.Duration {
	area := max(1, float64(c.Width)*float64(c.Height)/(1920*1080))
	rate := max(1, c.FrameRate/FrameRate)
	limit := renderBaseCPU + time.Duration(renderCPUPerPlay*area*rate*float64(c.play()))
	return min(limit, renderMaxCPU)
}

// addressSpace is how many bytes of virtual memory rendering a clip may map: a fixed part, and what the decoder's frames
// of that size can take.
func addressSpace(c Clip) uint64 {
	return baseAddressSpace + uint64(c.Width)*uint64(c.Height)*bytesPerPixel*framesHeld
}

// probeAddressSpace is for a picture of any size that is allowed: it is not known yet.
func (t Tools) probeAddressSpace() uint64 {
	return t.capMemory(baseAddressSpace + decoderPixels*bytesPerPixel*framesProbed)
}

// cpuLimit is that of a clip, or the operator's if that is shorter.
func (t Tools) cpuLimit(c Clip) time.Duration {
	limit := cpuLimit(c)
	if t.MaxCPU > 0 {
		limit = min(limit, t.MaxCPU)
	}
	return limit
}

// addressSpace is that of a clip, or the operator's if that is smaller.
func (t Tools) addressSpace(c Clip) uint64 {
	return t.capMemory(addressSpace(c))
}

func (t Tools) capMemory(limit uint64) uint64 {
	if t.MaxMemory > 0 {
		return min(limit, t.MaxMemory)
	}
	return limit
}

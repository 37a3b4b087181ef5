package media

import "time"

// The limits of an uploaded video. [Tools.Probe] refuses files beyond them.
const (
	MaxDuration  = 10 * time.Minute // as declared in the file; at most MaxPlay is decoded
	MaxStreams   = 16               // tracks of any kind; phones write up to about six, with their timed metadata
	MaxFrameRate = 240              // frames per second, rounded; the slow motion of phones

	// MaxPixels is the area of 8K UHD, 7680×4320. The decoders' limit is slightly larger (decoderPixels), because
	// they count whole coding blocks.
	MaxPixels = 7680 * 4320

	decoderPixels = 36_000_000
)

// The format of a rendition.
const (
	Width     = 1280 // pixels, of the rendition and of the poster
	Height    = 720
	FrameRate = 30 // constant, frames per second

	MaxPlay       = 30 * time.Second
	CurtainLength = 2500 * time.Millisecond // of each curtain

	maxPlayFrames = int(MaxPlay/time.Second) * FrameRate
	curtainFrames = int(CurtainLength * FrameRate / time.Second)
)

// The limits of a run of FFmpeg.
const (
	// Processor time. For a rendition it is a minute for the start, the curtains and the end, and ten seconds per
	// second of 1080p30, of which a slow core needs less than one. ffprobe usually needs a tenth of a second, and one
	// second for an 8K frame.
	probeCPU         = 20 * time.Second
	renderBaseCPU    = time.Minute
	renderCPUPerPlay = 10
	renderMaxCPU     = time.Hour
	stallLimit       = 2 * time.Minute // without progress
	probeClockLimit  = 10 * time.Minute
	renderClockLimit = 24 * time.Hour

	baseAddressSpace = 3 << 29 // 1.5 GiB: programs, libraries, encoder, scaled frames
	framesHeld       = 24      // full-size frames that a decoder and its threads hold
	framesProbed     = 8       // the same for one thread until the first picture: an 8K stream cannot have more reference frames
	bytesPerPixel    = 6       // of the widest pixel format, 4:4:4 in 16 bits

	maxOpenFiles = 64      // libraries are opened one after the other
	maxReport    = 1 << 20 // bytes of ffprobe's output, usually two thousand

	maxOutputBytes = 256 << 20 // ten times the size of 35 s at the highest bit rate
)

// cpuLimit returns the limit of processor time for rendering a clip: a minute, plus ten seconds per second of play,
// multiplied by the ratios of its area to 1920×1080 and of its frame rate to 30, if larger than 1; at most an hour.
// So 30 s of 1080p30 may take 6 minutes, and of 4K at 60 about 41.
func cpuLimit(c Clip) time.Duration {
	area := max(1, float64(c.Width)*float64(c.Height)/(1920*1080))
	rate := max(1, c.FrameRate/FrameRate)
	limit := renderBaseCPU + time.Duration(renderCPUPerPlay*area*rate*float64(c.play()))
	return min(limit, renderMaxCPU)
}

// addressSpace returns the limit of virtual memory for rendering a clip in bytes: a fixed part, and the decoder's
// frames of the clip's size.
func addressSpace(c Clip) uint64 {
	return baseAddressSpace + uint64(c.Width)*uint64(c.Height)*bytesPerPixel*framesHeld
}

// probeAddressSpace returns the limit for a picture of any allowed size, because the size is not known yet.
func (t Tools) probeAddressSpace() uint64 {
	return t.capMemory(baseAddressSpace + decoderPixels*bytesPerPixel*framesProbed)
}

// cpuLimit returns the limit for a clip, or the operator's limit if that is lower.
func (t Tools) cpuLimit(c Clip) time.Duration {
	limit := cpuLimit(c)
	if t.MaxCPU > 0 {
		limit = min(limit, t.MaxCPU)
	}
	return limit
}

// addressSpace returns the limit for a clip, or the operator's limit if that is lower.
func (t Tools) addressSpace(c Clip) uint64 {
	return t.capMemory(addressSpace(c))
}

func (t Tools) capMemory(limit uint64) uint64 {
	if t.MaxMemory > 0 {
		return min(limit, t.MaxMemory)
	}
	return limit
}

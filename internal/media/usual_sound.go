package media

// usualSound reports whether the samples of a sound track are AAC with one to eight channels, which every FFmpeg
// decodes. Sources: ISO/IEC 14496-12, 12.2.3 (AudioSampleEntry); QuickTime File Format, "Sound Sample Descriptions",
// for its versions 1 and 2 in MOV.
func (p parts) usualSound(r *boxReader, container Container) bool {
	entry, ok := p.description(r)
	if !ok || entry.Type != "mp4a" {
		return false
	}
	version := fields{data: make([]byte, 2)}
	if entry.End-entry.Body < 28 || readAt(r, version.data, entry.Body+8) != nil {
		return false
	}
	switch v := version.u16(); {
	case v == 0:
		entry.Body += 28
	case v == 1 && container == MOV:
		entry.Body += 28 + 16
	case v == 2 && container == MOV:
		entry.Body += 28 + 36
	default:
		return false
	}
	inner := parts{}
	if entry.Body > entry.End || !inner.collect(r, entry) || !inner.plainLayout(r) {
		return false
	}
	const most = 1 << 12
	plain, wrapped := inner.content(r, "mp4a/esds", 4, most), inner.content(r, "wave/esds", 4, most)
	if plain.broken {
		return usualAAC(wrapped)
	}
	return wrapped.broken && usualAAC(plain)
}

// plainLayout reports whether the channel layout, if there is one, lists no loudspeakers.
func (p parts) plainLayout(r *boxReader) bool {
	b, ok := p["mp4a/chan"]
	if !ok {
		return true
	}
	f := p.content(r, "mp4a/chan", 16, 16)
	f.skip(12)
	return f.u32() == 0 && !f.broken && b.End-b.Body <= 16+20
}

// usualAAC parses the descriptors in esds and the configuration in them. Sources: ISO/IEC 14496-1, 7.2.6
// (descriptors); ISO/IEC 14496-3, 1.6.2.1 (AudioSpecificConfig) and 4.4.1 (GASpecificConfig).
func usualAAC(f *fields) bool {
	const (
		stream, decoder, specific = 3, 4, 5 // descriptor tags
		aac, audio                = 0x40, 5 // object type, and stream type
	)
	f.skip(4)
	if f.descriptor() != stream || f.broken {
		return false
	}
	f.skip(2)
	if f.u8()&0xe0 != 0 || f.descriptor() != decoder { // no dependent streams
		return false
	}
	object, kind := f.u8(), f.u8()
	f.skip(3 + 4 + 4)
	if object != aac || kind>>2 != audio || f.descriptor() != specific || f.broken {
		return false
	}
	return usualConfig(f.data)
}

// descriptor returns the tag of a descriptor and truncates the data to its content. It returns 0 if the descriptor is
// broken.
func (f *fields) descriptor() (tag byte) {
	tag = f.u8()
	length := 0
	for range 4 {
		b := f.u8()
		length = length<<7 | int(b&0x7f)
		if b&0x80 == 0 {
			break
		}
	}
	if f.broken || length > len(f.data) {
		f.broken = true
		return 0
	}
	f.data = f.data[:length]
	return tag
}

// usualConfig reports whether a configuration is AAC-LC, with or without spectral band replication.
func usualConfig(config []byte) bool {
	const (
		lowComplexity      = 2
		replicated, stereo = 5, 29 // spectral band replication, without and with parametric stereo
		mostRates          = 12    // index of the last sampling rate
		mostChannels       = 7     // index of the last layout; 0 means that it is described elsewhere
	)
	b := &bits{data: config}
	object, rate, channels := b.u(5), b.u(4), b.u(4)
	ok := rate <= mostRates && channels >= 1 && channels <= mostChannels
	if object == replicated || object == stereo {
		ok = ok && b.u(4) <= mostRates
		object = b.u(5)
	}
	return ok && object == lowComplexity && b.u(3) == 0 && !b.broken
}

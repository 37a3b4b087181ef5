package media

import (
	"bytes"
	"strconv"
	"sync/atomic"
)

// progress parses the output of FFmpeg's -progress option: blocks of key=value lines, each ended by progress=continue
// or progress=end (FFmpeg documentation, "Main options"). It reports increasing percentages, each at most once, and
// never 100, which is reported after the rendition was verified.
type progress struct {
	Total  int          // expected frames; there may be more
	Report func(int)    // may be nil
	frames atomic.Int64 // written so far
	last   int
	line   []byte // an incomplete line
}

const maxProgressLine = 1 << 10 // bytes; longer ones are dropped

func (p *progress) Write(text []byte) (int, error) {
	rest := text
	for {
		line, after, ended := bytes.Cut(rest, []byte{'\n'})
		if len(p.line)+len(line) <= maxProgressLine {
			p.line = append(p.line, line...)
		}
		if !ended {
			return len(text), nil
		}
		p.read(p.line)
		p.line, rest = p.line[:0], after
	}
}

func (p *progress) read(line []byte) {
	key, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte{'='})
	if string(key) != "frame" {
		return
	}
	n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
	if err != nil || int64(n) < p.frames.Load() {
		return
	}
	p.frames.Store(int64(n))
	if p.Total > 0 {
		p.report(int(min(99, float64(n)/float64(p.Total)*100)))
	}
}

// report reports a percentage that is higher than the last one.
func (p *progress) report(percent int) {
	if percent <= p.last {
		return
	}
	p.last = percent
	if p.Report != nil {
		p.Report(percent)
	}
}

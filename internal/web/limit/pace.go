package limit

import (
	"io"
	"os"
	"time"
)

// Stretch is over how much waiting for a body its rate is judged.
const Stretch = 30 * time.Second

// Paced is a body that must come at a minimum rate. Only the time spent in waiting for it counts, so that a slow disk is not
// the client's fault; a pause is made good by what comes faster in the same stretch.
type Paced struct {
	io.ReadCloser

	rate   int64 // bytes a second, 0 for any
	now    func() time.Time
	waited time.Duration
	got    int64
}

// NewPaced makes a body whose reads fail with os.ErrDeadlineExceeded once it came more slowly.
func NewPaced(body io.ReadCloser, rate int64, now func() time.Time) *Paced {
	return &Paced{ReadCloser: body, rate: rate, now: now}
}

func (p *Paced) Read(b []byte) (int, error) {
	if p.rate == 0 {
		return p.ReadCloser.Read(b) //nolint:wrapcheck // passes on what readers must see as it is
	}
	began := p.now()
	n, err := p.ReadCloser.Read(b)
	p.waited += p.now().Sub(began)
	p.got += int64(n)
	if p.waited < Stretch {
		return n, err //nolint:wrapcheck // the same
	}
	if float64(p.got) < float64(p.rate)*p.waited.Seconds() && err == nil {
		err = os.ErrDeadlineExceeded
	}
	p.waited, p.got = 0, 0
	return n, err //nolint:wrapcheck // the same
}

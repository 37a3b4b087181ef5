package limit

import (
	"io"
	"os"
	"time"
)

// PaceWindow is over how much waiting for a body its rate is judged.
const PaceWindow = 30 * time.Second

// PacedBody is a body that must come at a minimum rate. Only the time spent in waiting for it counts, so that a slow disk is not
// the client's fault; a pause is made good by what comes faster in the same stretch.
type PacedBody struct {
	io.ReadCloser

	rate   int64 // bytes a second, 0 for any
	now    func() time.Time
	waited time.Duration
	got    int64
}

// NewPacedBody makes a body whose reads fail with os.ErrDeadlineExceeded once it came more slowly.
func NewPacedBody(body io.ReadCloser, rate int64, now func() time.Time) *PacedBody {
	return &PacedBody{ReadCloser: body, rate: rate, now: now}
}

func (p *PacedBody) Read(b []byte) (int, error) {
	if p.rate == 0 {
		return p.ReadCloser.Read(b) //nolint:wrapcheck // passes on what readers must see as it is
	}
	began := p.now()
	n, err := p.ReadCloser.Read(b)
	p.waited += p.now().Sub(began)
	p.got += int64(n)
	if p.waited < PaceWindow {
		return n, err //nolint:wrapcheck // the same
	}
	if float64(p.got) < float64(p.rate)*p.waited.Seconds() && err == nil {
		err = os.ErrDeadlineExceeded
	}
	p.waited, p.got = 0, 0
	return n, err //nolint:wrapcheck // the same
}

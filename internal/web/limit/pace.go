package limit

import (
	"io"
	"os"
	"time"
)

// PaceWindow is how much time spent waiting for a body's bytes makes one window in which its rate is checked.
const PaceWindow = 30 * time.Second

// PacedBody is a request's body with a minimum rate. It measures only the time that Read waits for bytes, so a slow
// disk is not counted against the client. Faster bytes in the same window make up for a pause.
type PacedBody struct {
	io.ReadCloser

	rate   int64 // bytes per second; 0 for no minimum
	now    func() time.Time
	waited time.Duration
	got    int64
}

// NewPacedBody makes a body whose Read returns os.ErrDeadlineExceeded after a window with less than rate bytes per
// second.
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

package api

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"risingstars/internal/contest"
)

type metrics struct {
	uploadsInFlight prometheus.Gauge
	uploadBytes     prometheus.Counter
	uploads         *prometheus.CounterVec
	refusals        *prometheus.CounterVec
	watchers        prometheus.Gauge
}

func newMetrics(registry prometheus.Registerer) *metrics {
	m := &metrics{
		uploadsInFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "risingstars_uploads_in_flight", Help: "Uploads as one form that arrive or are judged.",
		}),
		uploadBytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "risingstars_upload_bytes_total", Help: "Bytes of video files received, accepted or not.",
		}),
		uploads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "risingstars_uploads_total", Help: "Uploads by how they ended: accepted, refused or broken.",
		}, []string{"outcome"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "risingstars_upload_refusals_total", Help: "Uploads that were refused, by reason.",
		}, []string{"reason"}),
		watchers: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "risingstars_event_streams", Help: "Open streams of a video's events.",
		}),
	}
	registry.MustRegister(m.uploadsInFlight, m.uploadBytes, m.uploads, m.refusals, m.watchers)
	for _, outcome := range []string{uploadAccepted, uploadRefused, uploadBroken} {
		m.uploads.WithLabelValues(outcome)
	}
	for _, reason := range []*contest.Refusal{contest.ErrNotAVideo, contest.ErrTruncated, contest.ErrTooLarge} { // the common ones: their counters exist from the start
		m.refusals.WithLabelValues(reason.Code())
	}
	return m
}

// The outcomes of an upload.
const (
	uploadAccepted = "accepted"
	uploadRefused  = "refused" // because of the client
	uploadBroken   = "broken"  // because of the server
)

// UploadReceived counts the bytes that were read of a video file.
func (a *API) UploadReceived(bytes int64) { a.metrics.uploadBytes.Add(float64(bytes)) }

// UploadEnded counts a finished upload; err is nil if it was accepted.
func (a *API) UploadEnded(err error) {
	outcome := uploadAccepted
	if err != nil {
		outcome = uploadBroken
		if reason := refusedBecause(err); reason != "" {
			outcome = uploadRefused
			a.metrics.refusals.WithLabelValues(reason).Inc()
		}
	}
	a.metrics.uploads.WithLabelValues(outcome).Inc()
}

// refusedBecause is the reason for which an upload was refused, as a label with a bounded set of values; "" if the
// server failed.
func refusedBecause(err error) string {
	var (
		refusal *contest.Refusal
		invalid *contest.InvalidError
		tooMany *contest.TooManyError
		broken  *brokenBodyError
	)
	switch {
	case errors.As(err, &refusal):
		return refusal.Code()
	case errors.As(err, &invalid):
		return "invalid_form"
	case errors.As(err, &tooMany):
		return "too_many"
	case errors.As(err, &broken):
		return "broken_body"
	}
	return ""
}

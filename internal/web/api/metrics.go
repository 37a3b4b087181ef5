package api

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	uploadsInFlight prometheus.Gauge
	uploadBytes     prometheus.Counter
	uploads         *prometheus.CounterVec
	votes           *prometheus.CounterVec
	watchers        prometheus.Gauge
}

func newMetrics(registry prometheus.Registerer) *metrics {
	m := &metrics{
		uploadsInFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "risingstars_uploads_in_flight", Help: "Uploads arriving or being judged.",
		}),
		uploadBytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "risingstars_upload_bytes_total", Help: "Bytes of video files received, accepted or not.",
		}),
		uploads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "risingstars_uploads_total", Help: "Uploads by how they ended: accepted, refused or broken.",
		}, []string{"outcome"}),
		votes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "risingstars_votes_total", Help: "Votes given and taken back.",
		}, []string{"change"}),
		watchers: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "risingstars_event_streams", Help: "Open streams of a video's events.",
		}),
	}
	registry.MustRegister(m.uploadsInFlight, m.uploadBytes, m.uploads, m.votes, m.watchers)
	for _, outcome := range []string{uploadAccepted, uploadRefused, uploadBroken} {
		m.uploads.WithLabelValues(outcome)
	}
	return m
}

// How an upload can end.
const (
	uploadAccepted = "accepted"
	uploadRefused  = "refused" // the client's doing
	uploadBroken   = "broken"  // the server's
)

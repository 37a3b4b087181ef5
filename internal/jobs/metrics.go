package jobs

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts what the workers do.
type Metrics struct {
	cost     prometheus.Histogram
	seconds  prometheus.Histogram
	failures *prometheus.CounterVec
}

// NewMetrics registers the workers' metrics.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		cost: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "risingstars_ffmpeg_seconds_per_clip_second",
			Help:    "Wall seconds of FFmpeg for each second of play, of videos that were processed.",
			Buckets: []float64{.05, .1, .2, .3, .5, .75, 1, 1.5, 2, 3, 5, 10},
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "risingstars_ffmpeg_duration_seconds",
			Help:    "Wall seconds of FFmpeg for each video that was processed.",
			Buckets: []float64{.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 900},
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "risingstars_processing_failures_total",
			Help: "Runs of processing that failed, by whether the video is tried again or has failed for good.",
		}, []string{"then"}),
	}
	registry.MustRegister(m.cost, m.seconds, m.failures)
	m.failures.WithLabelValues("again")
	m.failures.WithLabelValues("for good")
	return m
}

// processed counts a video that took so long for so much play.
func (m *Metrics) processed(took, play time.Duration) {
	m.seconds.Observe(took.Seconds())
	if play > 0 {
		m.cost.Observe(took.Seconds() / play.Seconds())
	}
}

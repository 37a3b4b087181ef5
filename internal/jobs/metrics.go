package jobs

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the Prometheus metrics of the workers.
type Metrics struct {
	cost     prometheus.Histogram
	seconds  prometheus.Histogram
	wait     prometheus.Histogram
	ready    prometheus.Histogram
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
		wait: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "risingstars_processing_wait_seconds",
			Help:    "Time from a video's job being entered, which is when its upload is accepted, to the start of its first run.",
			Buckets: waits,
		}),
		ready: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "risingstars_processing_ready_seconds",
			Help:    "Time from a video's job being entered to the video being processed, waiting and repeats included.",
			Buckets: waits,
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "risingstars_processing_failures_total",
			Help: "Runs of processing that failed, by whether the video is tried again or has failed for good.",
		}, []string{"then"}),
	}
	registry.MustRegister(m.cost, m.seconds, m.wait, m.ready, m.failures)
	m.failures.WithLabelValues("again")
	m.failures.WithLabelValues("for good")
	return m
}

// waits are histogram buckets in seconds, from waits that players do not notice to waits that need an operator.
var waits = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600}

// processed observes a video for which FFmpeg ran for took and whose rendition plays the uploaded clip for play.
func (m *Metrics) processed(took, play time.Duration) {
	m.seconds.Observe(took.Seconds())
	if play > 0 {
		m.cost.Observe(took.Seconds() / play.Seconds())
	}
}

package web

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts requests by the pattern of their route. The path is no label, because there is no bound on the
// number of paths.
type Metrics struct {
	requests *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// NewMetrics registers the server's metrics.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "risingstars_http_request_duration_seconds",
			Help:    "Time from the request's header to the end of its answer, by method, route and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method", "route", "status"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "risingstars_http_requests_in_flight",
			Help: "Requests being answered.",
		}),
	}
	registry.MustRegister(m.requests, m.inFlight)
	return m
}

func (m *Metrics) observe(r *http.Request, status int, took time.Duration) {
	m.requests.WithLabelValues(knownMethod(r.Method), routeOf(r), strconv.Itoa(status)).Observe(took.Seconds())
}

// routeOf is the pattern that matched the request, without its method, or "none". The router writes the pattern into
// the request that it is given.
func routeOf(r *http.Request) string {
	route := r.Pattern
	if _, path, ok := strings.Cut(route, " "); ok {
		route = path
	}
	return cmp.Or(route, "none")
}

// knownMethod bounds the values of the label, because a client may send any word as a method.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

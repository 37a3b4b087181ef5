package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"risingstars/internal/contest"
	"risingstars/internal/store"
)

// newRegistry returns a registry with the metrics of the Go runtime and of the process.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "risingstars_build_info", Help: "Always 1; the version is in the label.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	r.MustRegister(info)
	return r
}

// databaseTimes measures the duration of the database's transactions.
func databaseTimes(r prometheus.Registerer) store.Observe {
	times := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "risingstars_database_duration_seconds",
		Help:    "Time of the database's transactions, waiting for a connection included, by operation and outcome.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5},
	}, []string{"operation", "outcome"})
	r.MustRegister(times)
	return func(operation string, took time.Duration, err error) {
		outcome := "ok"
		if err != nil {
			outcome = "error" // includes refusals by the contest's rules
		}
		times.WithLabelValues(operation, outcome).Observe(took.Seconds())
	}
}

// votesEnded counts votes by outcome.
func votesEnded(r prometheus.Registerer) func(contest.VoteChange, error) {
	votes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "risingstars_votes_total", Help: "Votes given and taken back.",
	}, []string{"change"})
	refusals := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "risingstars_vote_refusals_total", Help: "Votes that were not counted, by reason; error is the platform's own trouble.",
	}, []string{"reason"})
	r.MustRegister(votes, refusals)
	votes.WithLabelValues(string(contest.VoteCast))
	votes.WithLabelValues(string(contest.VoteWithdrawn))
	refusals.WithLabelValues(contest.ErrAlreadyVoted.Code())
	return func(change contest.VoteChange, err error) {
		if err == nil {
			votes.WithLabelValues(string(change)).Inc()
			return
		}
		reason := "error"
		if refusal, ok := errors.AsType[*contest.Refusal](err); ok {
			reason = refusal.Code()
		}
		refusals.WithLabelValues(reason).Inc()
	}
}

// measureData registers the metrics of the database's pools and of free disk space.
func (p *platform) measureData() {
	db := p.data.db
	p.registry.MustRegister(collectors.NewDBStatsCollector(db.Writer, "writer"))
	if db.Readers != db.Writer {
		p.registry.MustRegister(collectors.NewDBStatsCollector(db.Readers, "readers"))
	}
	folders := []folder{newFolder("data", p.settings.DataDir)}
	if p.media.Dir != "" {
		folders = append(folders, newFolder("media", p.media.Dir))
	}
	p.registry.MustRegister(newSpace(folders))
}

// backlog reads the queue's state at each scrape.
type backlog struct {
	store *store.Store
	jobs  *prometheus.Desc
	age   *prometheus.Desc
}

func newBacklog(s *store.Store) *backlog {
	return &backlog{
		store: s,
		jobs:  prometheus.NewDesc("risingstars_jobs", "Jobs in the queue by state.", []string{"state"}, nil),
		age: prometheus.NewDesc("risingstars_jobs_oldest_age_seconds",
			"How long the oldest job has been due, by state; 0 where there is none.", []string{"state"}, nil),
	}
}

// waitingStates are reported even if no job has them, so that a graph shows 0 instead of a gap.
var waitingStates = []string{"available", "running", "retryable"}

// endedStates are reported too, without an age: processed, failed permanently without a retry, and failed after the
// last attempt.
var endedStates = []string{"completed", "cancelled", "discarded"}

// Describe implements prometheus.Collector.
func (b *backlog) Describe(ch chan<- *prometheus.Desc) {
	ch <- b.jobs
	ch <- b.age
}

// Collect implements prometheus.Collector.
func (b *backlog) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	states, err := b.store.Backlog(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(b.jobs, err)
		return
	}
	known := map[string]store.JobState{}
	for _, s := range states {
		known[s.State] = s
		ch <- prometheus.MustNewConstMetric(b.jobs, prometheus.GaugeValue, float64(s.Count), s.State)
	}
	for _, state := range slices.Concat(waitingStates, endedStates) {
		if _, ok := known[state]; !ok {
			ch <- prometheus.MustNewConstMetric(b.jobs, prometheus.GaugeValue, 0, state)
		}
	}
	for _, state := range waitingStates {
		s, ok := known[state]
		age := 0.0
		if ok {
			age = max(0, time.Since(s.Oldest).Seconds())
		}
		ch <- prometheus.MustNewConstMetric(b.age, prometheus.GaugeValue, age, state)
	}
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/jobs"
	"risingstars/internal/store"
)

// workerRun processes clips that were put straight into storage and queue, and beside it runs FFmpeg alone with the same
// arguments on the same clips, as many at once, in turn.
type workerRun struct {
	name        string
	target      string
	clip        clipSpec
	concurrency int
	batch       int // videos of a round
	rounds      int
}

// workerRuns are those of a fleet: the workers of the embedded default are the same.
func (b *bench) workerRuns(target string) []workerRun {
	if target == embedded {
		return nil
	}
	clips, rounds := workerClips, 2
	if b.quick {
		clips, rounds = []clipSpec{quickClip}, 1
	}
	var list []workerRun
	for _, c := range clips {
		for _, n := range b.Concurrency {
			list = append(list, workerRun{
				name: fmt.Sprintf("%s-workers-%s-x%d", target, c.name, n), target: target, clip: c, concurrency: n,
				batch: max(b.Batch, 3*n/2), rounds: rounds,
			})
		}
	}
	return list
}

// job is a video's way through the queue.
type job struct {
	video                  int64
	entered, started, done time.Time
}

func (b *bench) runWorkers(ctx context.Context, s workerRun) (*result, error) {
	h := newHost(ctx, b.log)
	defer h.end()
	r := &result{
		Name: s.name, Kind: "workers", Target: s.target, Scenario: "clips of " + s.clip.name + " MB", Users: s.concurrency,
		Rendering: renderingOf(true), Began: time.Now().UTC(),
	}
	clipDir := filepath.Join(b.home, "clips", "workers")
	err := h.try(func() {
		h.must(os.MkdirAll(clipDir, 0o750), "make a folder for clips")
		clip, err := makeClip(ctx, b.tools.FFmpeg, clipDir, s.clip)
		h.must(err, "make a clip")
		t := newTarget(h, s.target, b.program, b.quick)
		feed := newFeeder(t, clip)
		const name = "worker"
		t.work(s.concurrency, nil)
		watch := &sampler{target: t, watched: slices.Clone(t.watched), short: func(string) {}}
		sampling, enough := context.WithCancel(ctx)
		var looking sync.WaitGroup
		looking.Go(func() { watch.run(sampling, b.every) })
		bare := b.bareRender(h, clip, s.concurrency)
		m := measured{}
		for range s.rounds {
			before, begin := cpuOf(t, name), time.Now()
			ids := feed.enter(s.batch)
			b.drain(ctx, h, load{Drain: 30 * time.Minute}, t)
			m.cpu = append(m.cpu, (cpuOf(t, name)-before)/time.Since(begin).Seconds())
			m.add(feed.jobs(ids))
			m.bare = append(m.bare, float64(s.batch)/bare(s.batch).Minutes())
		}
		enough()
		looking.Wait()
		r.useOf(watch)
		now, err := t.truth(ctx)
		h.must(err, "read what is there")
		r.Findings = checkHistory(feed.entered, now)
		m.conclude(r, name)
	})
	return r, err
}

func cpuOf(t *target, name string) float64 {
	i := slices.IndexFunc(t.watched, func(w watched) bool { return w.name == name })
	return useOf(processes(), t.watched[i].pid).cpu
}

// feeder puts clips into storage and queue.
type feeder struct {
	*seeder
	clip    string
	owner   person
	entered []entry // as if they had been uploaded, for the checker
}

func newFeeder(t *target, clip string) *feeder {
	queue, err := jobs.NewQueue(jobs.Postgres(t.db.Writer, nil))
	t.must(err, "open the queue")
	s := newSeeder(t, 4)
	f := &feeder{seeder: s, clip: clip, owner: s.people("star", 1, false)[0]}
	f.store = store.New(t.db, store.Options{Queue: queue})
	return f
}

// enter enters n videos of the clip, each with its job.
func (f *feeder) enter(n int) []int64 {
	ids := make([]int64, n)
	size, mark := endOf(f.clip)
	for i := range ids {
		m := contest.Media{Token: contest.NewToken(), Format: contest.MP4, Size: size}
		f.link(m.Original(), f.clip)
		v, err := f.store.AddVideo(f.ctx, contest.Video{
			PlayerID: f.owner.ID, Title: "Triple desde la esquina", Status: contest.Uploaded, UploadedAt: time.Now().UTC(), Media: m,
		})
		f.must(err, "enter a video")
		ids[i] = v.ID
		f.entered = append(f.entered, entry{
			Call: uploadCall, Status: 201, Player: f.owner.Email, Video: v.ID, Size: size, Mark: mark,
		})
	}
	return ids
}

// jobs are the ways of the videos through the queue, in the order in which they were done.
func (f *feeder) jobs(ids []int64) []job {
	var list []job
	err := f.each(f.ctx, `
		SELECT v.id, j.created_at, j.attempted_at, j.finalized_at
		FROM videos AS v JOIN river_job AS j ON CAST(j.id AS TEXT) = v.task_id WHERE j.finalized_at IS NOT NULL`,
		func(scan func(...any) error) error {
			var j job
			if err := scan(&j.video, &j.entered, &j.started, &j.done); err != nil {
				return err
			}
			if slices.Contains(ids, j.video) {
				list = append(list, j)
			}
			return nil
		})
	f.must(err, "read the jobs")
	slices.SortFunc(list, func(a, b job) int { return a.done.Compare(b.done) })
	return list
}

// bareRender gives a function that runs FFmpeg so many times, so many at once, with the arguments and the priority that a
// worker uses, and tells how long that took.
func (b *bench) bareRender(h *host, clip string, concurrency int) func(n int) time.Duration {
	dir := h.TempDir()
	tools := b.tools
	tools.Threads = max(1, b.cores/concurrency)
	job, err := renderOf(h.ctx, tools, dir, clip)
	h.must(err, "look at the clip")
	return func(n int) time.Duration {
		begin := time.Now()
		var group sync.WaitGroup
		turns := make(chan struct{}, concurrency)
		failures := make(chan error, n)
		for i := range n {
			group.Go(func() {
				turns <- struct{}{}
				defer func() { <-turns }()
				mine := job
				mine.Dest = filepath.Join(dir, fmt.Sprintf("%d.mp4", i))
				mine.Poster = filepath.Join(dir, fmt.Sprintf("%d.jpg", i))
				args, err := tools.RenderArgs(mine)
				if err == nil {
					err = niced(h.ctx, tools.FFmpeg, args)
				}
				failures <- err
			})
		}
		group.Wait()
		close(failures)
		for err := range failures {
			h.must(err, "run FFmpeg alone")
		}
		return time.Since(begin)
	}
}

// niced runs a program at the priority of a rendition.
func niced(ctx context.Context, program string, args []string) error {
	cmd := exec.CommandContext(ctx, "nice", append([]string{"-n", "10", program}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return errors.Join(err, errors.New(said.String()))
	}
	return nil
}

// measured is what the rounds have given.
type measured struct {
	perMinute, bare, ratios, cpu []float64
	service, waited, slopes      []float64
	rows                         [][]string
}

// add takes in the jobs of a round: how the queue went down, and how long each waited and was worked on.
func (m *measured) add(jobs []job) {
	if len(jobs) == 0 {
		return
	}
	first, last := jobs[0].entered, jobs[len(jobs)-1].done
	for _, j := range jobs {
		if j.entered.Before(first) {
			first = j.entered
		}
	}
	m.perMinute = append(m.perMinute, float64(len(jobs))/last.Sub(first).Minutes())
	minutes, left := []float64{0}, []float64{float64(len(jobs))}
	for i, j := range jobs {
		m.service = append(m.service, j.done.Sub(j.started).Seconds())
		m.waited = append(m.waited, j.started.Sub(j.entered).Seconds())
		minutes, left = append(minutes, j.done.Sub(first).Minutes()), append(left, float64(len(jobs)-1-i))
		m.rows = append(m.rows, []string{
			strconv.FormatInt(j.video, 10), j.entered.UTC().Format(time.RFC3339Nano), j.started.UTC().Format(time.RFC3339Nano),
			j.done.UTC().Format(time.RFC3339Nano), decimal(j.started.Sub(j.entered).Seconds()), decimal(j.done.Sub(j.started).Seconds()),
		})
	}
	m.slopes = append(m.slopes, slope(minutes, left))
}

func (m *measured) conclude(r *result, name string) {
	for i, rate := range m.perMinute {
		m.ratios = append(m.ratios, rate/m.bare[i])
	}
	r.Figures = []figure{
		{What: "videos a minute", Value: median(m.perMinute), Unit: "videos/min"},
		{What: "bare FFmpeg, videos a minute", Value: median(m.bare), Unit: "videos/min"},
		wantAtLeast("workers beside bare FFmpeg", median(m.ratios), "of bare", .97),
		{What: "mean service time", Value: mean(m.service), Unit: "s"},
		{What: "mean wait in the queue", Value: mean(m.waited), Unit: "s"},
		{What: "slope of the queue", Value: median(m.slopes), Unit: "videos/min"},
		{What: "processors in use by workers and FFmpeg", Value: mean(m.cpu), Unit: "processors"},
	}
	for _, u := range r.Processes {
		if u.Name == name {
			r.Figures = append(r.Figures, figure{What: "most memory of workers and FFmpeg", Value: u.MostMiB, Unit: "MiB"})
		}
	}
	r.series = table{head: []string{"video", "entered", "started", "done", "waited_seconds", "service_seconds"}, rows: m.rows}
	r.judgeFigures()
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(1, len(values)))
}

func wantAtLeast(what string, value float64, unit string, least float64) figure {
	return figure{What: what, Value: value, Unit: unit, Wanted: fmt.Sprintf(">= %g", least), Met: value >= least}
}

func wantLess(what string, value float64, unit string, most float64) figure {
	return figure{What: what, Value: value, Unit: unit, Wanted: fmt.Sprintf("< %g", most), Met: value < most}
}

// judgeFigures passes a result in which nothing was found and every figure is as wanted.
func (r *result) judgeFigures() {
	r.Reasons = []string{}
	for _, f := range r.Findings {
		r.Reasons = append(r.Reasons, f.Kind)
	}
	for _, f := range r.Figures {
		if f.Wanted != "" && !f.Met {
			r.Reasons = append(r.Reasons, "not met: "+f.What)
		}
	}
	r.Passed = len(r.Reasons) == 0
}

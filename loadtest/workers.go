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
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"risingstars/internal/testkit/history"
	"risingstars/loadtest/crowd"
)

// workerRun processes clips that were uploaded before the worker started, and beside it runs FFmpeg alone with the same
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
		clips, rounds = quickClips[:1], 1
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
		clip, err := makeClip(ctx, b.ffmpeg, clipDir, s.clip)
		h.must(err, "make a clip")
		t := newTarget(h, s.target, b.program, true)
		t.serve("web", settings{"WORKERS": "0"})
		feed := newFeeder(t, clip)
		bare := b.bareRender(feed, s.concurrency)
		watch := &sampler{target: t, watched: slices.Clone(t.watched), short: func(string) {}}
		sampling, enough := context.WithCancel(ctx)
		var looking sync.WaitGroup
		looking.Go(func() { watch.run(sampling, b.every) })
		m := measured{}
		for range s.rounds {
			m.add(feed.processBatch(b, s, watch, &m))
			m.bare = append(m.bare, float64(s.batch)/bare(s.batch).Minutes())
		}
		enough()
		looking.Wait()
		r.useOf(watch)
		state, err := t.readState(ctx)
		h.must(err, "read what is there")
		r.Findings = countFindings(history.Check(feed.recorder.Operations(), state, history.Rules{}))
		m.conclude(r, workerName)
	})
	return r, err
}

// workerName is the worker's name among the processes that are watched.
const workerName = "worker"

// feeder puts clips into the queue: it uploads them while no worker runs.
type feeder struct {
	*preparer
	clip  string
	owner crowd.Account
	sent  int
}

func newFeeder(t *target, clip string) *feeder {
	p := newPreparer(t)
	return &feeder{preparer: p, clip: clip, owner: p.signUpAll("star", 1, true)[0]}
}

// uploadClips uploads the clip so many times.
func (f *feeder) uploadClips(n int) []int64 {
	content, err := os.ReadFile(f.clip)
	f.must(err, "read the clip")
	ids := make([]int64, n)
	for i := range ids {
		f.sent++
		ids[i] = f.upload(f.owner, fmt.Sprintf("Triple desde la esquina, el %d", f.sent), content)
	}
	return ids
}

// processBatch fills the queue and lets a worker empty it. It returns the jobs, as if all had entered the queue when the
// worker was ready.
func (f *feeder) processBatch(b *bench, s workerRun, watch *sampler, m *measured) []job {
	ids := f.uploadClips(s.batch)
	worker := f.work(s.concurrency, nil)
	watch.watch(workerName, worker.pid())
	ready, before := time.Now(), useOf(processes(), worker.pid()).cpu
	b.drain(f.ctx, f.host, load{Drain: 30 * time.Minute}, f.target)
	m.cpu = append(m.cpu, (useOf(processes(), worker.pid()).cpu-before)/time.Since(ready).Seconds())
	f.stop(worker) // its jobs are recorded as done when it has ended
	jobs := f.jobs(ids)
	for i := range jobs {
		jobs[i].entered = ready
	}
	return jobs
}

// jobs are the ways of the videos through the queue, in the order in which they were done.
func (f *feeder) jobs(ids []int64) []job {
	var list []job
	err := f.forEachRow(f.ctx, `
		SELECT CAST(args->>'video_id' AS BIGINT), attempted_at, finalized_at FROM river_job
		WHERE args->>'video_id' IS NOT NULL AND finalized_at IS NOT NULL`,
		func(scan func(...any) error) error {
			var j job
			err := scan(&j.video, &j.started, &j.done)
			if slices.Contains(ids, j.video) {
				list = append(list, j)
			}
			return err
		})
	f.must(err, "read the jobs")
	slices.SortFunc(list, func(a, b job) int { return a.done.Compare(b.done) })
	return list
}

// bareRender gives a function that runs FFmpeg so many times, so many at once, with the arguments and the priority that a
// worker uses, and tells how long that took. A worker of the same concurrency renders the clip once, for its arguments.
func (b *bench) bareRender(f *feeder, concurrency int) func(n int) time.Duration {
	dir := f.TempDir()
	recorded := filepath.Join(dir, "arguments")
	script := strings.NewReplacer("@FFMPEG@", b.ffmpeg, "@ARGUMENTS@", recorded).Replace(recordFFmpeg)
	path := filepath.Join(dir, "ffmpeg")
	f.must(os.WriteFile(path, []byte(script), 0o600), "write a script")
	f.must(os.Chmod(path, 0o700), "write a script")
	id := f.uploadClips(1)[0]
	worker := f.work(concurrency, settings{"FFMPEG": path})
	f.waitUntilProcessed(f.owner, id)
	args := ownCopies(f.host, dir, f.clip, strings.Split(strings.TrimSpace(textOf(recorded)), "\n"))
	f.stop(worker)
	return func(n int) time.Duration {
		begin := time.Now()
		var group errgroup.Group
		group.SetLimit(concurrency)
		for i := range n {
			group.Go(func() error { return niced(f.ctx, b.ffmpeg, withOutputs(args, dir, i)) })
		}
		f.must(group.Wait(), "run FFmpeg alone")
		return time.Since(begin)
	}
}

// ownCopies replaces the worker's files in the arguments of a rendering: the original by the clip, and the pictures of the
// contest, which end with the worker, by copies in dir.
func ownCopies(h *host, dir, clip string, args []string) []string {
	args = slices.Clone(args)
	inputs := 0
	for i, arg := range args {
		path, isFile := strings.CutPrefix(arg, "file:")
		if !isFile || args[i-1] != "-i" {
			continue
		}
		inputs++
		if inputs == 1 {
			args[i] = "file:" + clip
			continue
		}
		picture, err := os.ReadFile(path)
		h.must(err, "read a picture of the contest")
		copied := filepath.Join(dir, fmt.Sprintf("picture-%d.png", inputs))
		h.must(os.WriteFile(copied, picture, 0o600), "copy a picture of the contest")
		args[i] = "file:" + copied
	}
	if inputs == 0 {
		h.Fatal("the arguments of a rendering name no file")
	}
	return args
}

// withOutputs are the arguments of a rendering with other files to write: clip and poster, of which the arguments' ends and
// not their places are known.
func withOutputs(args []string, dir string, number int) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		if strings.HasPrefix(arg, "file:") && args[i-1] != "-i" {
			args[i] = fmt.Sprintf("file:%s/%d%s", dir, number, filepath.Ext(arg))
		}
	}
	return args
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

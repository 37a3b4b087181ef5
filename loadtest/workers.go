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

// plannedWorkerRuns are those of a fleet: the workers of the embedded default are the same.
func (b *benchmark) plannedWorkerRuns(target string) []workerRun {
	if target == embedded {
		return nil
	}
	clips, rounds := workerClips, 2
	if b.quick {
		clips, rounds = quickClips[:1], 1
	}
	var list []workerRun
	for _, c := range clips {
		for _, n := range b.WorkerConcurrency {
			list = append(list, workerRun{
				name: fmt.Sprintf("%s-workers-%s-x%d", target, c.name, n), target: target, clip: c, concurrency: n,
				batch: max(b.WorkerBatch, 3*n/2), rounds: rounds,
			})
		}
	}
	return list
}

// finishedJob is a video's way through the queue.
type finishedJob struct {
	video                  int64
	entered, started, done time.Time
}

func (b *benchmark) measureWorkers(ctx context.Context, s workerRun) (*result, error) {
	h := newHarness(ctx, b.log)
	defer h.releaseAll()
	r := &result{
		Name: s.name, Kind: "workers", Target: s.target, Scenario: "clips of " + s.clip.name + " MB", Users: s.concurrency,
		Rendering: renderingDescription(true), Began: time.Now().UTC(),
	}
	clipDir := filepath.Join(b.home, "clips", "workers")
	err := h.runSteps(func() {
		h.requireNoError(os.MkdirAll(clipDir, 0o750), "make a folder for clips")
		clip, err := makeClipFile(ctx, b.ffmpeg, clipDir, s.clip)
		h.requireNoError(err, "make a clip")
		t := newTarget(h, s.target, b.programPath, true)
		t.startWeb("web", settings{"WORKERS": "0"})
		feed := newFeeder(t, clip)
		bare := b.prepareBareFFmpeg(feed, s.concurrency)
		watch := &sampler{target: t, watched: slices.Clone(t.watched), onShortage: func(string) {}}
		sampling, enough := context.WithCancel(ctx)
		var looking sync.WaitGroup
		looking.Go(func() { watch.sampleUntilDone(sampling, b.sampleInterval) })
		m := workerMeasurements{}
		for range s.rounds {
			m.addRound(feed.processBatch(b, s, watch, &m))
			m.bare = append(m.bare, float64(s.batch)/bare(s.batch).Minutes())
		}
		enough()
		looking.Wait()
		r.recordResourceUse(watch)
		state, err := t.readState(ctx)
		h.requireNoError(err, "read what is there")
		r.Findings = countFindings(history.Check(feed.recorder.Operations(), state, history.Rules{}))
		m.summarizeFigures(r, workerName)
	})
	return r, err
}

// workerName is the worker's name among the processes that are watched.
const workerName = "worker"

// feeder puts clips into the queue: it uploads them while no worker runs.
type feeder struct {
	*preparer
	clip    string
	owner   crowd.Account
	uploads int
}

func newFeeder(t *target, clip string) *feeder {
	p := newPreparer(t)
	return &feeder{preparer: p, clip: clip, owner: p.signUpAll("star", 1, true)[0]}
}

// uploadClips uploads the clip so many times.
func (f *feeder) uploadClips(n int) []int64 {
	content, err := os.ReadFile(f.clip)
	f.requireNoError(err, "read the clip")
	ids := make([]int64, n)
	for i := range ids {
		f.uploads++
		ids[i] = f.uploadClip(f.owner, fmt.Sprintf("Triple desde la esquina, el %d", f.uploads), content)
	}
	return ids
}

// processBatch fills the queue and lets a worker empty it. It returns the jobs, as if all had entered the queue when the
// worker was ready.
func (f *feeder) processBatch(b *benchmark, s workerRun, watch *sampler, m *workerMeasurements) []finishedJob {
	ids := f.uploadClips(s.batch)
	worker := f.startWorker(s.concurrency, nil)
	watch.watchProcess(workerName, worker.processID())
	ready, before := time.Now(), useOfProcessTree(readProcessTree(), worker.processID()).cpu
	b.waitUntilDrained(f.ctx, f.harness, loadRun{DrainLimit: 30 * time.Minute}, f.target)
	m.cpu = append(m.cpu, (useOfProcessTree(readProcessTree(), worker.processID()).cpu-before)/time.Since(ready).Seconds())
	f.stopProcess(worker) // its jobs are recorded as done when it has ended
	jobs := f.readFinishedJobs(ids)
	for i := range jobs {
		jobs[i].entered = ready
	}
	return jobs
}

// readFinishedJobs are the ways of the videos through the queue, in the order in which they were done.
func (f *feeder) readFinishedJobs(ids []int64) []finishedJob {
	var list []finishedJob
	err := f.forEachRow(f.ctx, `
		SELECT CAST(args->>'video_id' AS BIGINT), attempted_at, finalized_at FROM river_job
		WHERE args->>'video_id' IS NOT NULL AND finalized_at IS NOT NULL`,
		func(scan func(...any) error) error {
			var j finishedJob
			err := scan(&j.video, &j.started, &j.done)
			if slices.Contains(ids, j.video) {
				list = append(list, j)
			}
			return err
		})
	f.requireNoError(err, "read the jobs")
	slices.SortFunc(list, func(a, b finishedJob) int { return a.done.Compare(b.done) })
	return list
}

// prepareBareFFmpeg gives a function that runs FFmpeg so many times, so many at once, with the arguments and the priority that a
// worker uses, and tells how long that took. A worker of the same concurrency renders the clip once, for its arguments.
func (b *benchmark) prepareBareFFmpeg(f *feeder, concurrency int) func(n int) time.Duration {
	dir := f.TempDir()
	recorded := filepath.Join(dir, "arguments")
	script := strings.NewReplacer("@FFMPEG@", b.ffmpeg, "@ARGUMENTS@", recorded).Replace(recordFFmpeg)
	path := filepath.Join(dir, "ffmpeg")
	f.requireNoError(os.WriteFile(path, []byte(script), 0o600), "write a script")
	f.requireNoError(os.Chmod(path, 0o700), "write a script")
	id := f.uploadClips(1)[0]
	worker := f.startWorker(concurrency, settings{"FFMPEG": path})
	f.waitUntilProcessed(f.owner, id)
	args := copyInputs(f.harness, dir, f.clip, strings.Split(strings.TrimSpace(textOrEmpty(recorded)), "\n"))
	f.stopProcess(worker)
	return func(n int) time.Duration {
		begin := time.Now()
		var group errgroup.Group
		group.SetLimit(concurrency)
		for i := range n {
			group.Go(func() error { return runAtRenderPriority(f.ctx, b.ffmpeg, replaceOutputs(args, dir, i)) })
		}
		f.requireNoError(group.Wait(), "run FFmpeg alone")
		return time.Since(begin)
	}
}

// copyInputs replaces the worker's files in the arguments of a rendering: the original by the clip, and the pictures of the
// contest, which end with the worker, by copies in dir.
func copyInputs(h *harness, dir, clip string, args []string) []string {
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
		h.requireNoError(err, "read a picture of the contest")
		copied := filepath.Join(dir, fmt.Sprintf("picture-%d.png", inputs))
		h.requireNoError(os.WriteFile(copied, picture, 0o600), "copy a picture of the contest")
		args[i] = "file:" + copied
	}
	if inputs == 0 {
		h.Fatal("the arguments of a rendering name no file")
	}
	return args
}

// replaceOutputs are the arguments of a rendering with other files to write: clip and poster, of which the arguments' ends and
// not their places are known.
func replaceOutputs(args []string, dir string, number int) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		if strings.HasPrefix(arg, "file:") && args[i-1] != "-i" {
			args[i] = fmt.Sprintf("file:%s/%d%s", dir, number, filepath.Ext(arg))
		}
	}
	return args
}

// runAtRenderPriority runs a program at the priority of a rendition.
func runAtRenderPriority(ctx context.Context, program string, args []string) error {
	cmd := exec.CommandContext(ctx, "nice", append([]string{"-n", "10", program}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return errors.Join(err, errors.New(said.String()))
	}
	return nil
}

// workerMeasurements is what the rounds have given.
type workerMeasurements struct {
	perMinute, bare, ratios, cpu []float64
	service, waited, slopes      []float64
	rows                         [][]string
}

// addRound takes in the jobs of a round: how the queue went down, and how long each waited and was worked on.
func (m *workerMeasurements) addRound(jobs []finishedJob) {
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
			j.done.UTC().Format(time.RFC3339Nano), formatDecimal(j.started.Sub(j.entered).Seconds()), formatDecimal(j.done.Sub(j.started).Seconds()),
		})
	}
	m.slopes = append(m.slopes, leastSquaresSlope(minutes, left))
}

func (m *workerMeasurements) summarizeFigures(r *result, name string) {
	for i, rate := range m.perMinute {
		m.ratios = append(m.ratios, rate/m.bare[i])
	}
	r.Figures = []figure{
		{What: "videos a minute", Value: median(m.perMinute), Unit: "videos/min"},
		{What: "bare FFmpeg, videos a minute", Value: median(m.bare), Unit: "videos/min"},
		figureAtLeast("workers beside bare FFmpeg", median(m.ratios), "of bare", .97),
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
	r.judgeByFigures()
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(1, len(values)))
}

func figureAtLeast(what string, value float64, unit string, least float64) figure {
	return figure{What: what, Value: value, Unit: unit, Wanted: fmt.Sprintf(">= %g", least), Met: value >= least}
}

func figureBelow(what string, value float64, unit string, most float64) figure {
	return figure{What: what, Value: value, Unit: unit, Wanted: fmt.Sprintf("< %g", most), Met: value < most}
}

// judgeByFigures passes a result in which nothing was found and every figure is as wanted.
func (r *result) judgeByFigures() {
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

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

// workerRun processes clips that were uploaded before the worker started, in rounds that alternate with FFmpeg alone: the
// same arguments and clips, and as many processes at once.
type workerRun struct {
	name        string
	target      string
	clip        clipSpec
	concurrency int
	batch       int // videos of a round
	rounds      int
}

// plannedWorkerRuns are only for a fleet: the workers of a single process are the same code.
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

// finishedJob is a processed video with the times of its job.
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
		h.requireNoError(os.MkdirAll(clipDir, 0o750), "create the folder for clips")
		clip, err := makeClipFile(ctx, b.ffmpeg, clipDir, s.clip)
		h.requireNoError(err, "make a clip")
		t := newTargetWithTables(h, s.target, b.programPath, true)
		t.startWeb("web", settings{"WORKERS": "0"})
		feed := newFeeder(t, clip)
		bare := b.prepareBareFFmpeg(feed, s.concurrency)
		watch := &sampler{target: t, watched: slices.Clone(t.watched), onShortage: func(string) {}}
		sampling, endSampling := context.WithCancel(ctx)
		var sampled sync.WaitGroup
		sampled.Go(func() { watch.sampleUntilDone(sampling, b.sampleInterval) })
		m := workerMeasurements{}
		for range s.rounds {
			m.addRound(feed.processBatch(b, s, watch, &m))
			m.bare = append(m.bare, float64(s.batch)/bare(s.batch).Minutes())
		}
		endSampling()
		sampled.Wait()
		r.recordResourceUse(watch)
		state, err := t.readState(ctx)
		h.requireNoError(err, "read the state")
		r.Findings = countFindings(history.Check(feed.recorder.Operations(), state, history.Rules{}))
		m.summarizeFigures(r, workerName)
	})
	return r, err
}

// workerName is the worker's name among the processes that are watched.
const workerName = "worker"

// feeder fills the queue: it uploads clips while no worker runs.
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

// uploadClips uploads the clip n times.
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

// processBatch fills the queue and starts a worker that empties it. It returns the jobs, with the moment at which the worker
// was ready as the time of their entry.
func (f *feeder) processBatch(b *benchmark, s workerRun, watch *sampler, m *workerMeasurements) []finishedJob {
	ids := f.uploadClips(s.batch)
	worker := f.startWorker(s.concurrency, nil)
	watch.watchProcess(workerName, worker.processID())
	ready, before := time.Now(), useOfProcessTree(readProcessTree(), worker.processID()).cpu
	b.waitUntilDrained(f.ctx, f.harness, loadRun{DrainLimit: 30 * time.Minute}, f.target)
	m.cpu = append(m.cpu, (useOfProcessTree(readProcessTree(), worker.processID()).cpu-before)/time.Since(ready).Seconds())
	f.stopProcess(worker) // a worker that has stopped has recorded all its jobs
	jobs := f.readFinishedJobs(ids)
	for i := range jobs {
		jobs[i].entered = ready
	}
	return jobs
}

// readFinishedJobs reads the ended jobs of some videos, in the order of their ends.
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

// prepareBareFFmpeg returns a function that runs FFmpeg n times, as many at once as the worker, with the worker's arguments
// and priority, and returns how long that took. To get the arguments, a worker with the same concurrency renders the clip
// once through a script that records them.
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

// copyInputs replaces the input files in FFmpeg's arguments: the original by the clip, and the images of the brand, which
// the worker removes when it stops, by copies in dir.
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
		image, err := os.ReadFile(path)
		h.requireNoError(err, "read an image of the brand")
		copied := filepath.Join(dir, fmt.Sprintf("image-%d.png", inputs))
		h.requireNoError(os.WriteFile(copied, image, 0o600), "copy an image of the brand")
		args[i] = "file:" + copied
	}
	if inputs == 0 {
		h.Fatal("the arguments of a rendering name no file")
	}
	return args
}

// replaceOutputs replaces the output files in FFmpeg's arguments, rendition and poster, which are the file arguments that do
// not follow -i.
func replaceOutputs(args []string, dir string, number int) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		if strings.HasPrefix(arg, "file:") && args[i-1] != "-i" {
			args[i] = fmt.Sprintf("file:%s/%d%s", dir, number, filepath.Ext(arg))
		}
	}
	return args
}

// runAtRenderPriority runs a program with the niceness that a worker gives to FFmpeg.
func runAtRenderPriority(ctx context.Context, program string, args []string) error {
	cmd := exec.CommandContext(ctx, "nice", append([]string{"-n", "10", program}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return errors.Join(err, errors.New(said.String()))
	}
	return nil
}

// workerMeasurements collects the figures of all rounds.
type workerMeasurements struct {
	perMinute, bare, ratios, cpu []float64
	service, waited, slopes      []float64
	rows                         [][]string
}

// addRound adds the jobs of a round: how fast the queue emptied, and how long each job waited and ran.
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
		{What: "videos a minute", Value: medianOf(m.perMinute), Unit: "videos/min"},
		{What: "bare FFmpeg, videos a minute", Value: medianOf(m.bare), Unit: "videos/min"},
		figureAtLeast("workers beside bare FFmpeg", medianOf(m.ratios), "of bare", .97),
		{What: "mean service time", Value: meanOf(m.service), Unit: "s"},
		{What: "mean wait in the queue", Value: meanOf(m.waited), Unit: "s"},
		{What: "slope of the queue", Value: medianOf(m.slopes), Unit: "videos/min"},
		{What: "processors in use by workers and FFmpeg", Value: meanOf(m.cpu), Unit: "processors"},
	}
	for _, u := range r.Processes {
		if u.Name == name {
			r.Figures = append(r.Figures, figure{What: "most memory of workers and FFmpeg", Value: u.MostMiB, Unit: "MiB"})
		}
	}
	r.series = table{head: []string{"video", "entered", "started", "done", "waited_seconds", "service_seconds"}, rows: m.rows}
	r.judgeByFigures()
}

func meanOf(values []float64) float64 {
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

// judgeByFigures lets a result pass that has no findings and whose figures are all as wanted.
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

package main

import (
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"risingstars/internal/testkit/history"
	"risingstars/loadtest/crowd"
	"risingstars/loadtest/journal"
)

// loadRun is a run of people against a target.
type loadRun struct {
	Name            string // of the run
	Target          string
	Scenario        string // mix, votes or gallery
	Users           int
	RampUp, Hold    time.Duration // until all have come, and how long they stay
	DrainLimit      time.Duration // what the workers get afterwards for what still waits
	RenderEveryClip bool          // FFmpeg renders every clip, not each once
	PublicVideos    int           // videos that are public beforehand
	Voters          int           // of a storm of votes
	TimesCount      bool          // times count in the verdict
}

// generatorName is the load generator of a run. Players who upload are Locust's, the crowds are of package crowd.
func (l loadRun) generatorName() string {
	if l.Scenario == scenarioMix {
		return "locust"
	}
	return "crowd"
}

// scenarioMix is the scenario of locustfile.py.
const scenarioMix = "mix"

// runLoad starts a target, lets people at it, waits for the workers, and holds what was acknowledged against what is
// there. It returns an error only if the run could not be made; one that was made and failed says so in its verdict.
func (b *benchmark) runLoad(ctx context.Context, l loadRun) (*result, error) {
	h := newHarness(ctx, b.log)
	defer h.releaseAll()
	r := &result{
		Name: l.Name, Kind: "load", Target: l.Target, Scenario: l.Scenario, Tool: l.generatorName(), Users: l.Users,
		Up: l.RampUp.Seconds(), Held: l.Hold.Seconds(), Rendering: renderingDescription(l.RenderEveryClip), Began: time.Now().UTC(),
	}
	err := h.runSteps(func() {
		t, p, generator := b.prepareLoad(h, l)
		s := &sampler{target: t, watched: slices.Clone(t.watched)}
		running, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		s.onShortage = func(what string) {
			if !b.quick { // a few people neither need much nor show how much there is
				stop(errors.New(what))
			}
		}
		sampling, stopLooking := context.WithCancel(ctx)
		var looking sync.WaitGroup
		enough := func() {
			stopLooking()
			looking.Wait()
		}
		defer enough() // before the servers end
		looking.Go(func() { s.sampleUntilDone(sampling, b.sampleInterval) })
		originals, err := newOriginalsComparer(t, b.uploadedClips)
		h.requireNoError(err, "prepare a run")
		looking.Go(func() { err = originals.compareUntilDone(sampling, 2*b.sampleInterval) })
		b.runGenerator(running, h, l, generator, s)
		if cause := context.Cause(running); cause != nil {
			r.Stopped = cause.Error()
		}
		r.Drained = b.waitUntilDrained(ctx, h, l, t)
		enough()
		h.requireNoError(err, "compare originals")
		b.evaluateLoad(p, l, generator.Dir, s, r, originals.findings)
	})
	return r, err
}

func renderingDescription(everyClip bool) string {
	if everyClip {
		return "every clip"
	}
	return "each clip once"
}

// prepareLoad starts the target, makes the accounts and public videos of a run, and returns the command of its generator.
func (b *benchmark) prepareLoad(h *harness, l loadRun) (*target, *preparer, *exec.Cmd) {
	signsIn := l.Scenario == scenarioMix
	t := newTarget(h, l.Target, b.programPath, b.quick || !signsIn)
	var more settings
	if !l.RenderEveryClip {
		more = settings{"FFMPEG": b.installScript(h, "ffmpeg-once", ffmpegOnce), "FFPROBE": b.installScript(h, "ffprobe-once", ffprobeOnce)}
	}
	t.startProcesses(max(1, b.cores), more)
	p := newPreparer(t)
	videos := p.publishVideos(l.PublicVideos, b.uploadedClips[0])
	dir := h.TempDir()
	var cmd *exec.Cmd
	switch l.Scenario {
	case scenarioMix:
		cmd = b.locustGenerator(h, l, t, dir, p.signUpAll("fan", l.Users, false))
	case crowd.Votes:
		cmd = b.crowdGenerator(h, l, t, dir, p.signUpAll("fan", l.Voters, true), videos)
	default:
		cmd = b.crowdGenerator(h, l, t, dir, nil, videos)
	}
	cmd.Dir = dir
	return t, p, cmd
}

// installScript puts a program in place that works on each clip once in the life of this command.
func (b *benchmark) installScript(h *harness, name, text string) string {
	path := filepath.Join(b.workDir, name)
	text = strings.NewReplacer("@FFMPEG@", b.ffmpeg, "@FFPROBE@", b.ffprobe, "@MADE@", b.workDir).Replace(text)
	h.requireNoError(os.WriteFile(path, []byte(text), 0o600), "write a script")
	h.requireNoError(os.Chmod(path, 0o700), "write a script")
	return path
}

// runGenerator runs the generator to its end. That it fails is an error of the run, unless it was stopped.
func (b *benchmark) runGenerator(ctx context.Context, h *harness, l loadRun, generator *exec.Cmd, s *sampler) {
	log, err := os.Create(filepath.Join(generator.Dir, "generator.log"))
	h.requireNoError(err, "make a log")
	defer func() { _ = log.Close() }()
	limited, cancel := context.WithTimeoutCause(ctx, l.RampUp+l.Hold+5*time.Minute, errors.New("the generator does not end"))
	defer cancel()
	err = runToCompletion(limited, generator, log, func(pid int) { s.watchProcess("generator", pid) })
	if err != nil && ctx.Err() == nil {
		h.Fatalf("%s: %v", l.generatorName(), err)
	}
}

// waitUntilDrained waits until the workers have done all that waits, and returns after how many seconds. It gives up when their time
// is over; what waits then, the checker finds.
func (b *benchmark) waitUntilDrained(ctx context.Context, h *harness, l loadRun, t *target) float64 {
	begin := time.Now()
	tick := time.NewTicker(b.sampleInterval)
	defer tick.Stop()
	for {
		n, err := t.countUnfinishedVideos(ctx)
		h.requireNoError(err, "look at what waits")
		if n == 0 || time.Since(begin) > l.DrainLimit {
			return math.Round(time.Since(begin).Seconds()*10) / 10
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			h.Fatal(context.Cause(ctx))
		}
	}
}

// evaluateLoad reads what the generator noted and what the platform has, and judges.
func (b *benchmark) evaluateLoad(p *preparer, l loadRun, dir string, s *sampler, r *result, found []history.Finding) {
	entries, err := journal.ReadFile(filepath.Join(dir, "journal"))
	p.requireNoError(err, "read the journal")
	first, last := firstAndLastRequest(entries)
	held := first + l.RampUp.Seconds()
	var coming, staying []journal.Entry
	for _, e := range entries {
		if e.At >= held {
			staying = append(staying, e)
		} else {
			coming = append(coming, e)
		}
		o, ok := e.Operation()
		if !ok {
			continue
		}
		p.recorder.Add(o)
		switch {
		case o.Outcome != history.Acknowledged:
		case o.Action == history.Upload:
			r.Uploads++
		case o.Action == history.Vote:
			r.Votes++
		}
	}
	state, err := p.readState(p.ctx)
	p.requireNoError(err, "read what is there")
	found = append(found, history.Check(p.recorder.Operations(), state, history.Rules{})...)
	r.Calls = statsByCall(staying, max(1, last-held))
	r.Coming = statsByCall(coming, max(1, l.RampUp.Seconds()))
	r.Faults, r.Findings = countFaults(entries), countFindings(found)
	r.recordResourceUse(s)
	r.series = timeSeriesOf(entries, s.samples, float64(s.begin.UnixNano())/1e9)
	r.Reasons = reasonsToFail(r, l.TimesCount)
	r.Passed = len(r.Reasons) == 0
}

// firstAndLastRequest is when the first and the last request were sent.
func firstAndLastRequest(entries []journal.Entry) (first, last float64) {
	for i, e := range entries {
		if i == 0 || e.At < first {
			first = e.At
		}
		last = max(last, e.At)
	}
	return first, last
}

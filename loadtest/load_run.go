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

// loadRun is a run of simulated users on a target.
type loadRun struct {
	Name            string // of the run
	Target          string
	Scenario        string // mix, votes or gallery
	Users           int
	RampUp, Hold    time.Duration // until all users are there, and how long they stay
	DrainLimit      time.Duration // how long the workers may take afterwards to empty the queue
	RenderEveryClip bool          // otherwise FFmpeg renders equal clips once
	PublicVideos    int           // that exist before the users come
	Voters          int           // accounts, for the scenario with votes
	TimesCount      bool          // slow answers fail the run

	// EndAfterCalls ends the run as soon as each of these calls has been answered as promised so many times. Hold is then
	// only the limit: a run that just shows that everything works does not depend on how fast the machine is.
	EndAfterCalls map[string]int
}

// generatorName is the load generator of a run: Locust for players who upload, package crowd for voters and viewers.
func (l loadRun) generatorName() string {
	if l.Scenario == scenarioMix {
		return "locust"
	}
	return "crowd"
}

// scenarioMix is the scenario of locustfile.py; the others are those of package crowd.
const scenarioMix = "mix"

// runLoad starts a target, lets the generator's users send requests, waits for the workers, and compares what was
// acknowledged with what is stored. An error means that the run could not be made; why a run failed is in the result.
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
			if !b.quick { // a few users do not exhaust a machine; other programs on it may
				stop(errors.New(what))
			}
		}
		sampling, stopSampling := context.WithCancel(ctx)
		var sampled sync.WaitGroup
		endSampling := func() {
			stopSampling()
			sampled.Wait()
		}
		defer endSampling() // before the servers stop
		sampled.Go(func() { s.sampleUntilDone(sampling, b.sampleInterval) })
		originals, err := newOriginalsComparer(t, b.uploadedClips)
		h.requireNoError(err, "prepare a run")
		sampled.Go(func() { err = originals.compareUntilDone(sampling, 2*b.sampleInterval) })
		b.runGenerator(running, h, l, generator, s)
		if cause := context.Cause(running); cause != nil {
			r.Stopped = cause.Error()
		}
		r.Drained = b.waitUntilDrained(ctx, h, l, t)
		endSampling()
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

// prepareLoad starts the target, creates the accounts and public videos of a run, and returns the generator's command.
func (b *benchmark) prepareLoad(h *harness, l loadRun) (*target, *preparer, *exec.Cmd) {
	signsIn := l.Scenario == scenarioMix
	t := newTargetWithTables(h, l.Target, b.programPath, b.quick || !signsIn)
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

// installScript writes one of the scripts that render each clip only once in the life of this command.
func (b *benchmark) installScript(h *harness, name, text string) string {
	path := filepath.Join(b.workDir, name)
	text = strings.NewReplacer("@FFMPEG@", b.ffmpeg, "@FFPROBE@", b.ffprobe, "@MADE@", b.workDir).Replace(text)
	h.requireNoError(os.WriteFile(path, []byte(text), 0o600), "write a script")
	h.requireNoError(os.Chmod(path, 0o700), "write a script")
	return path
}

// runGenerator runs the generator until it ends. Its failure is an error of the run, unless the run was stopped.
func (b *benchmark) runGenerator(ctx context.Context, h *harness, l loadRun, generator *exec.Cmd, s *sampler) {
	log, err := os.Create(filepath.Join(generator.Dir, "generator.log"))
	h.requireNoError(err, "create a log")
	defer func() { _ = log.Close() }()
	watching, stopWatching := context.WithCancel(ctx)
	var watch sync.WaitGroup
	if len(l.EndAfterCalls) > 0 {
		watch.Go(func() { b.stopAfterCalls(watching, h, l.EndAfterCalls, generator.Dir) })
	}
	defer watch.Wait()
	defer stopWatching()
	limited, cancel := context.WithTimeoutCause(ctx, l.RampUp+l.Hold+5*time.Minute, errors.New("the generator did not end in its time"))
	defer cancel()
	err = runToCompletion(limited, generator, log, func(pid int) { s.watchProcess("generator", pid) })
	if err != nil && ctx.Err() == nil {
		h.Fatalf("%s: %v", l.generatorName(), err)
	}
}

// stopAfterCalls tells the generator to stop when the journal has enough good answers to each of some calls.
func (b *benchmark) stopAfterCalls(ctx context.Context, h *harness, calls map[string]int, dir string) {
	tick := time.NewTicker(b.sampleInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		entries, err := journal.ReadFile(filepath.Join(dir, "journal"))
		if err == nil {
			if !containsCalls(entries, calls) {
				continue
			}
			err = os.WriteFile(filepath.Join(dir, stopFile), nil, 0o600)
		}
		if err != nil {
			h.Logf("stop the generator: %v", err) // it ends when its time is over
		}
		return
	}
}

// containsCalls reports whether each of some calls has been answered as promised so many times.
func containsCalls(entries []journal.Entry, calls map[string]int) bool {
	good := map[string]int{}
	for _, e := range entries {
		if e.Fault == "" {
			good[e.Call]++
		}
	}
	for call, n := range calls {
		if good[call] < n {
			return false
		}
	}
	return true
}

// waitUntilDrained waits until no video is waiting or being processed, and returns the seconds that it took. After the
// limit it returns as well: the check reports the videos that are unfinished.
func (b *benchmark) waitUntilDrained(ctx context.Context, h *harness, l loadRun, t *target) float64 {
	begin := time.Now()
	tick := time.NewTicker(b.sampleInterval)
	defer tick.Stop()
	for {
		n, err := t.countUnfinishedVideos(ctx)
		h.requireNoError(err, "count the unfinished videos")
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

// evaluateLoad fills in the result from the journal, the samples and the state of the platform.
func (b *benchmark) evaluateLoad(p *preparer, l loadRun, dir string, s *sampler, r *result, found []history.Finding) {
	entries, err := journal.ReadFile(filepath.Join(dir, "journal"))
	p.requireNoError(err, "read the journal")
	first, last := firstAndLastRequest(entries)
	held := first + l.RampUp.Seconds()
	var rampUp, hold []journal.Entry
	for _, e := range entries {
		if e.At >= held {
			hold = append(hold, e)
		} else {
			rampUp = append(rampUp, e)
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
	p.requireNoError(err, "read the state")
	found = append(found, history.Check(p.recorder.Operations(), state, history.Rules{})...)
	r.Calls = statsByCall(hold, max(1, last-held))
	r.Coming = statsByCall(rampUp, max(1, l.RampUp.Seconds()))
	r.Faults, r.Findings = countFaults(entries), countFindings(found)
	r.recordResourceUse(s)
	r.series = timeSeriesOf(entries, s.samples, float64(s.begin.UnixNano())/1e9)
	r.Reasons = reasonsToFail(r, l.TimesCount)
	r.Passed = len(r.Reasons) == 0
}

// firstAndLastRequest are the times at which the first and the last request were sent.
func firstAndLastRequest(entries []journal.Entry) (first, last float64) {
	for i, e := range entries {
		if i == 0 || e.At < first {
			first = e.At
		}
		last = max(last, e.At)
	}
	return first, last
}

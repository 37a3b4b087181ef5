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

// load is a run of people against a target.
type load struct {
	Name     string // of the run
	Target   string
	Scenario string // mix, votes or gallery
	Users    int
	Up, Held time.Duration // until all have come, and how long they stay
	Drain    time.Duration // what the workers get afterwards for what still waits
	Real     bool          // FFmpeg renders every clip, not each once
	Stars    int           // videos that are public beforehand
	Voters   int           // of a storm of votes
	Timed    bool          // times count in the verdict
}

// tool is the load generator of a run. Players who upload are Locust's, the crowds are of package crowd.
func (l load) tool() string {
	if l.Scenario == mix {
		return "locust"
	}
	return "crowd"
}

// mix is the scenario of locustfile.py.
const mix = "mix"

// runLoad starts a target, lets people at it, waits for the workers, and holds what was acknowledged against what is
// there. It returns an error only if the run could not be made; one that was made and failed says so in its verdict.
func (b *bench) runLoad(ctx context.Context, l load) (*result, error) {
	h := newHost(ctx, b.log)
	defer h.end()
	r := &result{
		Name: l.Name, Kind: "load", Target: l.Target, Scenario: l.Scenario, Tool: l.tool(), Users: l.Users,
		Up: l.Up.Seconds(), Held: l.Held.Seconds(), Rendering: renderingOf(l.Real), Began: time.Now().UTC(),
	}
	err := h.try(func() {
		t, p, generator := b.prepare(h, l)
		s := &sampler{target: t, watched: slices.Clone(t.watched)}
		running, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		s.short = func(what string) {
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
		looking.Go(func() { s.run(sampling, b.every) })
		originals, err := newRoomMaker(t, b.clips)
		h.must(err, "prepare a run")
		looking.Go(func() { err = originals.run(sampling, 2*b.every) })
		b.generate(running, h, l, generator, s)
		if cause := context.Cause(running); cause != nil {
			r.Stopped = cause.Error()
		}
		r.Drained = b.drain(ctx, h, l, t)
		enough()
		h.must(err, "compare originals")
		b.conclude(p, l, generator.Dir, s, r, originals.found)
	})
	return r, err
}

func renderingOf(everyClip bool) string {
	if everyClip {
		return "every clip"
	}
	return "each clip once"
}

// prepare starts the target, makes the accounts and public videos of a run, and returns the command of its generator.
func (b *bench) prepare(h *host, l load) (*target, *preparer, *exec.Cmd) {
	signsIn := l.Scenario == mix
	t := newTarget(h, l.Target, b.program, b.quick || !signsIn)
	var more settings
	if !l.Real {
		more = settings{"FFMPEG": b.script(h, "ffmpeg-once", ffmpegOnce), "FFPROBE": b.script(h, "ffprobe-once", ffprobeOnce)}
	}
	t.start(max(1, b.cores), more)
	p := newPreparer(t)
	videos := p.publishVideos(l.Stars, b.clips[0])
	dir := h.TempDir()
	var cmd *exec.Cmd
	switch l.Scenario {
	case mix:
		cmd = b.locust(h, l, t, dir, p.signUpAll("fan", l.Users, false))
	case crowd.Votes:
		cmd = b.crowd(h, l, t, dir, p.signUpAll("fan", l.Voters, true), videos)
	default:
		cmd = b.crowd(h, l, t, dir, nil, videos)
	}
	cmd.Dir = dir
	return t, p, cmd
}

// script puts a program in place that works on each clip once in the life of this command.
func (b *bench) script(h *host, name, text string) string {
	path := filepath.Join(b.work, name)
	text = strings.NewReplacer("@FFMPEG@", b.ffmpeg, "@FFPROBE@", b.ffprobe, "@MADE@", b.work).Replace(text)
	h.must(os.WriteFile(path, []byte(text), 0o600), "write a script")
	h.must(os.Chmod(path, 0o700), "write a script")
	return path
}

// generate runs the generator to its end. That it fails is an error of the run, unless it was stopped.
func (b *bench) generate(ctx context.Context, h *host, l load, generator *exec.Cmd, s *sampler) {
	log, err := os.Create(filepath.Join(generator.Dir, "generator.log"))
	h.must(err, "make a log")
	defer func() { _ = log.Close() }()
	limited, cancel := context.WithTimeoutCause(ctx, l.Up+l.Held+5*time.Minute, errors.New("the generator does not end"))
	defer cancel()
	err = runTool(limited, generator, log, func(pid int) { s.watch("generator", pid) })
	if err != nil && ctx.Err() == nil {
		h.Fatalf("%s: %v", l.tool(), err)
	}
}

// drain waits until the workers have done all that waits, and returns after how many seconds. It gives up when their time
// is over; what waits then, the checker finds.
func (b *bench) drain(ctx context.Context, h *host, l load, t *target) float64 {
	begin := time.Now()
	tick := time.NewTicker(b.every)
	defer tick.Stop()
	for {
		n, err := t.waiting(ctx)
		h.must(err, "look at what waits")
		if n == 0 || time.Since(begin) > l.Drain {
			return math.Round(time.Since(begin).Seconds()*10) / 10
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			h.Fatal(context.Cause(ctx))
		}
	}
}

// conclude reads what the generator noted and what the platform has, and judges.
func (b *bench) conclude(p *preparer, l load, dir string, s *sampler, r *result, found []history.Finding) {
	entries, err := journal.ReadFile(filepath.Join(dir, "journal"))
	p.must(err, "read the journal")
	first, last := spanOf(entries)
	held := first + l.Up.Seconds()
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
	p.must(err, "read what is there")
	found = append(found, history.Check(p.recorder.Operations(), state, history.Rules{})...)
	r.Calls = statsOf(staying, max(1, last-held))
	r.Coming = statsOf(coming, max(1, l.Up.Seconds()))
	r.Faults, r.Findings = faultsOf(entries), countFindings(found)
	r.useOf(s)
	r.series = seriesOf(entries, s.samples, float64(s.begin.UnixNano())/1e9)
	r.Reasons = judge(r, l.Timed)
	r.Passed = len(r.Reasons) == 0
}

// spanOf is when the first and the last request were sent.
func spanOf(entries []journal.Entry) (first, last float64) {
	for i, e := range entries {
		if i == 0 || e.At < first {
			first = e.At
		}
		last = max(last, e.At)
	}
	return first, last
}

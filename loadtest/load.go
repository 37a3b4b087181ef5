package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// load is a run of people against a target.
type load struct {
	Name     string // of the run
	Target   string
	Scenario string // mix, votes or gallery
	Tool     string // locust or k6
	Users    int
	Up, Held time.Duration // until all have come, and how long they stay
	Drain    time.Duration // what the workers get afterwards for what still waits
	Real     bool          // FFmpeg renders every clip, not each once
	Stars    int           // videos that are public beforehand
	Voters   int           // of a storm of votes
	Timed    bool          // times count in the verdict
}

// runLoad starts a target, lets people at it, waits for the workers, and holds what was acknowledged against what is
// there. It returns an error only if the run could not be made; one that was made and failed says so in its verdict.
func (b *bench) runLoad(ctx context.Context, l load) (*result, error) {
	h := newHost(ctx, b.log)
	defer h.end()
	r := &result{
		Name: l.Name, Kind: "load", Target: l.Target, Scenario: l.Scenario, Tool: l.Tool, Users: l.Users,
		Up: l.Up.Seconds(), Held: l.Held.Seconds(), Rendering: renderingOf(l.Real), Began: time.Now().UTC(),
	}
	err := h.try(func() {
		t, dir := b.prepare(h, l)
		s := &sampler{target: t, watched: slices.Clone(t.watched)}
		running, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		s.short = func(what string) { stop(errors.New(what)) }
		sampling, stopLooking := context.WithCancel(ctx)
		var looking sync.WaitGroup
		enough := func() {
			stopLooking()
			looking.Wait()
		}
		defer enough() // before the servers end
		looking.Go(func() { s.run(sampling, b.every) })
		room, err := newRoomMaker(t, b.clips)
		h.must(err, "prepare a run")
		looking.Go(func() { err = room.run(sampling, 2*b.every) })
		b.generate(running, h, l, t, dir, s)
		if cause := context.Cause(running); cause != nil {
			r.Stopped = cause.Error()
		}
		r.Drained = b.drain(ctx, h, l, t)
		enough()
		h.must(err, "compare originals")
		r.Findings = room.found.list()
		b.conclude(h, l, t, dir, s, r)
	})
	return r, err
}

func renderingOf(everyClip bool) string {
	if everyClip {
		return "every clip"
	}
	return "each clip once"
}

// prepare makes the target and all that the generator reads, in a folder that it returns.
func (b *bench) prepare(h *host, l load) (*target, string) {
	t := newTarget(h, l.Target, b.program, b.quick)
	dir := h.TempDir()
	s := newSeeder(t, b.passwordCost())
	stars := s.stars(l.Stars, b.shown)
	n, tokens := l.Users, l.Scenario == "votes"
	if tokens {
		n = l.Voters
	}
	_, _, err := writePeople(dir, s.people("fan", n, tokens))
	h.must(err, "prepare a run")
	ids := make([]string, len(stars))
	for i, id := range stars {
		ids[i] = strconv.FormatInt(id, 10)
	}
	h.must(os.WriteFile(filepath.Join(dir, "stars"), []byte(strings.Join(ids, ",")), 0o600), "prepare a run")
	var more settings
	if !l.Real {
		more = settings{"FFMPEG": b.script(h, "ffmpeg-once", ffmpegOnce), "FFPROBE": b.script(h, "ffprobe-once", ffprobeOnce)}
	}
	t.start(max(1, b.cores), more)
	return t, dir
}

// script puts a program in place that works on each clip once in the life of this command.
func (b *bench) script(h *host, name, text string) string {
	path := filepath.Join(b.work, name)
	text = strings.NewReplacer("@FFMPEG@", b.tools.FFmpeg, "@FFPROBE@", b.tools.FFprobe, "@MADE@", b.work).Replace(text)
	h.must(os.WriteFile(path, []byte(text), 0o600), "write a script")
	h.must(os.Chmod(path, 0o700), "write a script")
	return path
}

// generate runs the generator to its end. That it fails is an error of the run, unless it was stopped.
func (b *bench) generate(ctx context.Context, h *host, l load, t *target, dir string, s *sampler) {
	log, err := os.Create(filepath.Join(dir, "generator.log"))
	h.must(err, "make a log")
	defer func() { _ = log.Close() }()
	var cmd *exec.Cmd
	if l.Tool == "locust" {
		cmd = b.locust(l, t, dir)
	} else {
		cmd = b.k6(l, t, dir)
	}
	limited, cancel := context.WithTimeoutCause(ctx, l.Up+l.Held+3*time.Minute, errors.New("the generator does not end"))
	defer cancel()
	err = runTool(limited, cmd, log, func(pid int) { s.watch("generator", pid) })
	if err != nil && ctx.Err() == nil {
		h.Fatalf("%s: %v", l.Tool, err)
	}
}

func (b *bench) locust(l load, t *target, dir string) *exec.Cmd {
	rate := float64(l.Users) / max(1, l.Up.Seconds())
	cmd := exec.CommandContext(context.Background(), filepath.Join(b.home, ".venv/bin/locust"),
		"-f", filepath.Join(b.home, "locustfile.py"), "--headless", "--host", t.url, "--users", strconv.Itoa(l.Users),
		"--spawn-rate", fmt.Sprintf("%.3f", rate), "--run-time", fmt.Sprintf("%ds", int((l.Up+l.Held).Seconds())),
		"--stop-timeout", "60", "--only-summary", "--loglevel", "WARNING")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CAPACITY_PEOPLE="+filepath.Join(dir, "people.txt"), "CAPACITY_PASSWORD="+password,
		"CAPACITY_CLIPS="+b.clipDir(), "CAPACITY_JOURNAL="+filepath.Join(dir, "journal"), "CAPACITY_ADDRESSES="+strconv.Itoa(addresses),
		"PYTHONDONTWRITEBYTECODE=1")
	if t.ca != "" {
		cmd.Env = append(cmd.Env, "REQUESTS_CA_BUNDLE="+t.ca)
	}
	return cmd
}

// addresses is from how many addresses of the loopback people come, as nginx limits what one may ask.
const addresses = 1000

func (b *bench) k6(l load, t *target, dir string) *exec.Cmd {
	stars, _ := os.ReadFile(filepath.Join(dir, "stars")) // prepare wrote it
	cmd := exec.CommandContext(context.Background(), b.k6Path, "run",
		"--quiet", "--no-usage-report", "--summary-mode", "disabled", "--log-format", "raw", "--console-output", filepath.Join(dir, "journal"),
		"--local-ips", "127.10.1.1-127.10.1.250,127.11.1.1-127.11.1.250,127.12.1.1-127.12.1.250,127.13.1.1-127.13.1.250",
		filepath.Join(b.home, "k6", l.Scenario+".js"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CAPACITY_URL="+t.url, "CAPACITY_PEOPLE_JSON="+filepath.Join(dir, "people.json"),
		"CAPACITY_PASSWORD="+password, "CAPACITY_USERS="+strconv.Itoa(l.Users), "CAPACITY_UP="+l.Up.String(),
		"CAPACITY_HELD="+l.Held.String(), "CAPACITY_STARS="+string(stars), "CAPACITY_CLIP_FILES="+strings.Join(b.clips, ":"))
	return cmd
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
func (b *bench) conclude(h *host, l load, t *target, dir string, s *sampler, r *result) {
	journal, err := readJournal(filepath.Join(dir, "journal"))
	h.must(err, "read the journal")
	now, err := t.truth(h.ctx)
	h.must(err, "read what is there")
	first, last := spanOf(journal)
	held := first + l.Up.Seconds()
	var coming, staying []entry
	for _, e := range journal {
		if e.At >= held {
			staying = append(staying, e)
		} else {
			coming = append(coming, e)
		}
		switch {
		case e.acknowledged() && e.Call == uploadCall:
			r.Uploads++
		case e.acknowledged():
			r.Votes++
		}
	}
	r.Calls = statsOf(staying, max(1, last-held))
	r.Coming = statsOf(coming, max(1, l.Up.Seconds()))
	r.Faults, r.Findings = faultsOf(journal), append(r.Findings, checkHistory(journal, now)...)
	r.useOf(s)
	r.series = seriesOf(journal, s.samples, float64(s.begin.UnixNano())/1e9)
	r.Reasons = judge(r, l.Timed)
	r.Passed = len(r.Reasons) == 0
}

// spanOf is when the first and the last request were sent.
func spanOf(journal []entry) (first, last float64) {
	for i, e := range journal {
		if i == 0 || e.At < first {
			first = e.At
		}
		last = max(last, e.At)
	}
	return first, last
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// wanted reports whether a run was asked for.
func (b *bench) wanted(name string) bool {
	return len(b.only) == 0 || slices.ContainsFunc(b.only, func(part string) bool { return strings.Contains(name, part) })
}

// all makes the runs that were asked for and returns the names of those that failed. That a ramp fails is what ramps are
// for, and no failure of the suite, unless something was lost or an answer was not as promised.
func (b *bench) all(ctx context.Context) (failed []string, err error) {
	begin := time.Now()
	if !b.quick {
		b.say("about %s, and up to %s more for each run that fills the queue; results are kept run by run in %s",
			b.estimate().Round(time.Minute), b.Drain, b.shortDir())
	}
	note := func(r *result, err error) error {
		if err == nil && r != nil && (!r.Passed && !onlySlow(r)) {
			failed = append(failed, r.Name)
		}
		return err
	}
	if b.quick {
		err = b.trial(ctx, note)
	}
	for _, target := range b.targets {
		if err == nil && !b.quick {
			err = b.loads(ctx, target, note)
		}
	}
	if err != nil || b.short {
		return failed, err
	}
	for _, target := range b.targets {
		for _, s := range b.workerRuns(target) {
			if err := note(b.once(ctx, s.name, func(ctx context.Context) (*result, error) { return b.runWorkers(ctx, s) })); err != nil {
				return failed, err
			}
		}
	}
	for _, r := range b.ratios() {
		if err := note(b.once(ctx, r.name, r.run)); err != nil {
			return failed, err
		}
	}
	b.say("took %s", time.Since(begin).Round(time.Second))
	return failed, nil
}

// trial makes one run of each kind, in which times do not count: each generator, each scenario and each target has its
// turn, and in the longer form both generators come through the front.
func (b *bench) trial(ctx context.Context, note func(*result, error) error) error {
	loads := []load{b.mix(embedded, b.Ramps[0]), b.votes(fleet), b.gallery(fleet)}
	if !b.short {
		loads = append(loads, b.smoke(fleet))
	}
	for _, l := range loads {
		l.Timed = false
		if err := note(b.once(ctx, l.Name, func(ctx context.Context) (*result, error) { return b.runLoad(ctx, l) })); err != nil {
			return err
		}
	}
	return nil
}

// loads makes the runs with people at one target.
func (b *bench) loads(ctx context.Context, target string, note func(*result, error) error) error {
	play := func(l load) (r *result, err error) {
		r, err = b.once(ctx, l.Name, func(ctx context.Context) (*result, error) { return b.runLoad(ctx, l) })
		return r, note(r, err)
	}
	if _, err := play(b.smoke(target)); err != nil {
		return err
	}
	highest, err := b.ramps(target, play)
	if err != nil {
		return err
	}
	if highest > 0 {
		if _, err := play(b.sustained(target, highest)); err != nil {
			return err
		}
	}
	for _, l := range []load{b.votes(target), b.gallery(target)} {
		if _, err := play(l); err != nil {
			return err
		}
	}
	return nil
}

// ramps adds users until the platform does not bear them, and returns with how many the highest ramp passed that is known
// of, made now or before.
func (b *bench) ramps(target string, play func(load) (*result, error)) (highest int, err error) {
	wanted := len(b.only) == 0 || slices.ContainsFunc(b.only, func(part string) bool {
		return strings.Contains(part, "ramp") || strings.Contains(target+"-ramp-", part)
	})
	var passed, tooMuch []int
	for n := b.search(nil, nil); wanted && n > 0; n = b.search(passed, tooMuch) {
		r, err := play(b.mix(target, n))
		switch {
		case err != nil:
			return 0, err
		case r == nil || r.Passed: // nil: --only named another ramp
			passed = append(passed, n)
		default:
			tooMuch = append(tooMuch, n)
		}
	}
	known, _, err := b.results()
	for _, r := range known {
		if r.Passed && strings.HasPrefix(r.Name, target+"-ramp-") {
			highest = max(highest, r.Users)
		}
	}
	return highest, err
}

// once makes a run that was asked for and is not there yet, and saves what came of it. nil is a run that was not asked for.
func (b *bench) once(ctx context.Context, name string, do func(context.Context) (*result, error)) (*result, error) {
	if !b.wanted(name) {
		return nil, nil
	}
	if !b.again {
		r, err := loadResult(b.dir, name)
		if r != nil || err != nil {
			b.say("%-24s is there", name)
			return r, err
		}
	}
	begin := time.Now()
	b.say("%-24s …", name)
	r, err := do(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.Version = b.version()
	b.say("%-24s %s (%s)", name, r.verdict(), time.Since(begin).Round(time.Second))
	return r, errors.Join(b.describe(), r.save(b.dir))
}

// verdict is a result in a line.
func (r *result) verdict() string {
	var text strings.Builder
	if r.Passed {
		text.WriteString("passed")
	} else {
		text.WriteString("FAILED by " + strings.Join(r.Reasons, "; "))
	}
	for _, c := range r.Calls {
		if c.Call == "all" {
			fmt.Fprintf(&text, ", %d requests, %d failures", c.Requests, c.Failures)
		}
	}
	if r.Uploads+r.Votes > 0 {
		fmt.Fprintf(&text, ", %d uploads and %d votes kept", r.Uploads, r.Votes)
	}
	for _, f := range r.Figures {
		fmt.Fprintf(&text, "\n    %s: %.4g %s", f.What, f.Value, f.Unit)
		if f.Wanted != "" {
			fmt.Fprintf(&text, " (wanted %s)", f.Wanted)
		}
	}
	for _, f := range slices.Concat(r.Findings, r.Faults) {
		fmt.Fprintf(&text, "\n    %d × %s, such as: %s", f.Count, f.Kind, f.Example)
	}
	return text.String()
}

// onlySlow reports whether a run failed by times, errors for want of capacity, or figures that were not met, and by
// nothing worse. In such a run the platform has kept its word.
func onlySlow(r *result) bool {
	for _, reason := range r.Reasons {
		if !strings.HasPrefix(reason, "p95 of ") && reason != "more than 1 % errors" && !strings.HasPrefix(reason, "not met: ") {
			return false
		}
	}
	return true
}

// estimate is how long what was asked for takes, if the search for the maximum takes three runs more than the ramps.
func (b *bench) estimate() time.Duration {
	var sum time.Duration
	add := func(name string, d time.Duration) {
		if b.wanted(name) {
			sum += d
		}
	}
	const around = 20 * time.Second // starting, seeding and checking
	for _, target := range b.targets {
		add(target+"-smoke", b.Smoke+around)
		add(target+"-ramp", time.Duration(len(b.Ramps)+3)*(b.Up+b.Held+around))
		add(target+"-sustained", b.Sustained+around)
		add(target+"-votes", b.votes(target).Up+b.votes(target).Held+around)
		add(target+"-gallery", b.gallery(target).Up+b.gallery(target).Held+around)
		for _, s := range b.workerRuns(target) {
			add(s.name, time.Duration(2*s.rounds*s.batch)*30*time.Second)
		}
	}
	for _, r := range b.ratios() {
		add(r.name, time.Minute)
	}
	return sum
}

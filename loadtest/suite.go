package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"risingstars/loadtest/crowd"
	"risingstars/loadtest/journal"
)

// isSelected reports whether the command line selects a run.
func (b *benchmark) isSelected(name string) bool {
	return len(b.selected) == 0 || slices.ContainsFunc(b.selected, func(part string) bool { return strings.Contains(name, part) })
}

// runSelected makes the selected runs and returns the names of those that failed. A ramp goes on until the platform is too
// slow, so that is no failure of the suite; losing something or a wrong answer is.
func (b *benchmark) runSelected(ctx context.Context) (failed []string, err error) {
	begin := time.Now()
	if !b.quick {
		b.reportProgress("about %s, and up to %s more for each run that fills the queue; each result is saved in %s when its run ends",
			b.estimateDuration().Round(time.Minute), b.DrainLimit, b.relativeResultsDir())
	}
	note := func(r *result, err error) error {
		if err == nil && r != nil && (!r.Passed && !failedOnlyByFigures(r)) {
			failed = append(failed, r.Name)
		}
		return err
	}
	if b.quick {
		err = b.runTrialLoads(ctx, note)
	}
	for _, target := range b.targets {
		if err == nil && !b.quick {
			err = b.runLoadsOnTarget(ctx, target, note)
		}
	}
	if err != nil || b.short {
		return failed, err
	}
	for _, target := range b.targets {
		for _, s := range b.plannedWorkerRuns(target) {
			if err := note(b.runUnlessSaved(ctx, s.name, func(ctx context.Context) (*result, error) { return b.measureWorkers(ctx, s) })); err != nil {
				return failed, err
			}
		}
	}
	for _, r := range b.ratioComparisons() {
		if err := note(b.runUnlessSaved(ctx, r.name, r.run)); err != nil {
			return failed, err
		}
	}
	b.reportProgress("took %s", time.Since(begin).Round(time.Second))
	return failed, nil
}

// runTrialLoads makes one run of each kind, whose times do not count: it covers each generator, each scenario and each
// target, and in the longer form both generators through nginx.
func (b *benchmark) runTrialLoads(ctx context.Context, note func(*result, error) error) error {
	loads := []loadRun{b.rampRun(embedded, b.Ramps[0]), b.voteStormRun(fleet), b.galleryRun(fleet)}
	if !b.short {
		loads = append(loads, b.smokeRun(fleet))
	}
	for _, l := range loads {
		l.TimesCount, l.Hold = false, 15*time.Minute
		l.EndAfterCalls = map[string]map[string]int{
			scenarioMix:   {journal.Upload: 3, "list": 1, "ranking": 1},
			crowd.Votes:   {journal.Vote: 100, journal.SecondVote: 10, "ranking": 4},
			crowd.Gallery: {"page": 1, "gallery": 1, "ranking": 1, "poster": 1, "piece": 1},
		}[l.Scenario]
		if err := note(b.runUnlessSaved(ctx, l.Name, func(ctx context.Context) (*result, error) { return b.runLoad(ctx, l) })); err != nil {
			return err
		}
	}
	return nil
}

// runLoadsOnTarget makes the runs with simulated users on one target.
func (b *benchmark) runLoadsOnTarget(ctx context.Context, target string, note func(*result, error) error) error {
	makeRun := func(l loadRun) (r *result, err error) {
		r, err = b.runUnlessSaved(ctx, l.Name, func(ctx context.Context) (*result, error) { return b.runLoad(ctx, l) })
		return r, note(r, err)
	}
	if _, err := makeRun(b.smokeRun(target)); err != nil {
		return err
	}
	highest, err := b.findHighestRamp(target, makeRun)
	if err != nil {
		return err
	}
	if highest > 0 {
		if _, err := makeRun(b.sustainedRun(target, highest)); err != nil {
			return err
		}
	}
	for _, l := range []loadRun{b.voteStormRun(target), b.galleryRun(target)} {
		if _, err := makeRun(l); err != nil {
			return err
		}
	}
	return nil
}

// findHighestRamp adds users until a run fails. It returns the number of users of the highest run that passed, among all
// saved results.
func (b *benchmark) findHighestRamp(target string, makeRun func(loadRun) (*result, error)) (highest int, err error) {
	wanted := len(b.selected) == 0 || slices.ContainsFunc(b.selected, func(part string) bool {
		return strings.Contains(part, "ramp") || strings.Contains(target+"-ramp-", part)
	})
	var passed, tooMuch []int
	for n := b.nextRampUsers(nil, nil); wanted && n > 0; n = b.nextRampUsers(passed, tooMuch) {
		r, err := makeRun(b.rampRun(target, n))
		switch {
		case err != nil:
			return 0, err
		case r == nil || r.Passed: // nil: --only named another ramp
			passed = append(passed, n)
		default:
			tooMuch = append(tooMuch, n)
		}
	}
	known, _, err := b.readAllResults()
	for _, r := range known {
		if r.Passed && strings.HasPrefix(r.Name, target+"-ramp-") {
			highest = max(highest, r.Users)
		}
	}
	return highest, err
}

// runUnlessSaved makes a run that is selected and has no saved result, and saves its result. A run that is not selected
// returns nil.
func (b *benchmark) runUnlessSaved(ctx context.Context, name string, do func(context.Context) (*result, error)) (*result, error) {
	if !b.isSelected(name) {
		return nil, nil
	}
	if !b.repeatSaved {
		r, err := readResultFile(b.resultsDir, name)
		if r != nil || err != nil {
			b.reportProgress("%-24s has a saved result", name)
			return r, err
		}
	}
	begin := time.Now()
	b.reportProgress("%-24s …", name)
	r, err := do(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.Version = b.programVersion()
	b.reportProgress("%-24s %s (%s)", name, r.verdictText(), time.Since(begin).Round(time.Second))
	return r, errors.Join(b.saveMachineInfo(), r.saveFiles(b.resultsDir))
}

// verdictText summarizes a result for the terminal.
func (r *result) verdictText() string {
	var text strings.Builder
	if r.Passed {
		text.WriteString("passed")
	} else {
		text.WriteString("FAILED: " + strings.Join(r.Reasons, "; "))
	}
	for _, c := range r.Calls {
		if c.Call == "all" {
			fmt.Fprintf(&text, ", %d requests, %d failures", c.Requests, c.Failures)
		}
	}
	if r.Uploads+r.Votes > 0 {
		fmt.Fprintf(&text, ", %d uploads and %d votes acknowledged", r.Uploads, r.Votes)
	}
	for _, f := range r.Figures {
		fmt.Fprintf(&text, "\n    %s: %.4g %s", f.What, f.Value, f.Unit)
		if f.Wanted != "" {
			fmt.Fprintf(&text, " (wanted %s)", f.Wanted)
		}
	}
	for _, f := range slices.Concat(r.Findings, r.Faults) {
		fmt.Fprintf(&text, "\n    %d × %s, for example: %s", f.Count, f.Kind, f.Example)
	}
	return text.String()
}

// failedOnlyByFigures reports whether a run failed only because of times, too many errors of an overloaded platform, or
// figures that were not reached. In such a run nothing was lost and no answer was wrong.
func failedOnlyByFigures(r *result) bool {
	for _, reason := range r.Reasons {
		if !strings.HasPrefix(reason, "p95 of ") && reason != "more than 1 % errors" && !strings.HasPrefix(reason, "not met: ") {
			return false
		}
	}
	return true
}

// estimateDuration is how long the selected runs take if the search for the maximum needs three runs more than the ramps.
func (b *benchmark) estimateDuration() time.Duration {
	var sum time.Duration
	add := func(name string, d time.Duration) {
		if b.isSelected(name) {
			sum += d
		}
	}
	const around = time.Minute // to start, prepare and check
	for _, target := range b.targets {
		add(target+"-smoke", b.Smoke+around)
		add(target+"-ramp", time.Duration(len(b.Ramps)+3)*(b.RampUp+b.Hold+around))
		add(target+"-sustained", b.Sustained+around)
		add(target+"-votes", b.voteStormRun(target).RampUp+b.voteStormRun(target).Hold+around)
		add(target+"-gallery", b.galleryRun(target).RampUp+b.galleryRun(target).Hold+around)
		for _, s := range b.plannedWorkerRuns(target) {
			add(s.name, time.Duration(2*s.rounds*s.batch)*30*time.Second)
		}
	}
	for _, r := range b.ratioComparisons() {
		add(r.name, time.Minute)
	}
	return sum
}

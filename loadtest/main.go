// Command loadtest measures the capacity of the platform: it starts the built program, lets simulated users send requests
// to it, and afterwards compares what was acknowledged with what is stored. docs/capacity.md has the method and the results.
//
//	make build && go -C loadtest build -o ../bin/loadtest .
//	bin/loadtest --quick
//	bin/loadtest --target fleet --only ramp
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"risingstars/bench/bare"
	"risingstars/loadtest/crowd"
)

func main() {
	if bare.Wanted() {
		exitOnError(bare.Serve(os.Stdout))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 3 && os.Args[1] == crowdCommand {
		exitOnError(crowd.RunFile(ctx, os.Args[2]))
		return
	}
	if err := runBenchmark(ctx, os.Args[1:], os.Stdout); err != nil {
		stop()
		exitOnError(err)
	}
}

func exitOnError(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1)
	}
}

// benchmark is a run of the suite.
type benchmark struct {
	sizing
	log            io.Writer
	home           string // the folder loadtest of the checkout
	programPath    string // bin/risingstars
	resultsDir     string
	workDir        string   // temporary files of the whole command
	selected       []string // parts of the names of the runs to make, none for all
	targets        []string
	repeatSaved    bool          // also make the runs whose results are saved
	quick          bool          // every part once with a few users: no figures to rely on
	short          bool          // quick, and only one load of each kind
	publishable    bool          // all runs in full size, so their figures belong into docs/capacity.md
	sampleInterval time.Duration // between two samples of what the processes use
	cores          int
	uploadedClips  []string // files

	ffmpeg, ffprobe string
}

func runBenchmark(ctx context.Context, args []string, out io.Writer) error {
	b, docs, err := parseCommandLine(args, out)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.workDir) }()
	if docs {
		return b.writeReport(ctx)
	}
	if err := b.checkPrerequisites(ctx); err != nil {
		return err
	}
	failed, err := b.runSelected(ctx)
	if err != nil {
		return err
	}
	if err := b.writeReport(ctx); err != nil {
		return err
	}
	if len(failed) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

// parseCommandLine reads the command line. With docs, only the report and the figures in docs/capacity.md are to be written.
func parseCommandLine(args []string, out io.Writer) (b *benchmark, docs bool, err error) {
	flags := flag.NewFlagSet("loadtest", flag.ContinueOnError)
	flags.SetOutput(out)
	isShort := flags.Bool("short", false, "one load of each kind with a few users, in half a minute; no figures to rely on")
	isQuick := flags.Bool("quick", false, "every part once with a few users, in minutes; no figures to rely on")
	scale := flags.Float64("scale", 1, "multiply users and times by this factor")
	target := flags.String("target", "both", "embedded, fleet, or both")
	only := flags.String("only", "", "only runs whose names contain one of these, separated by commas: smoke, ramp, sustained, votes, gallery, workers, ratio")
	into := flags.String("into", "", "name of the results folder; runs that it has are not repeated (default: today's date)")
	again := flags.Bool("again", false, "repeat runs whose results are saved")
	reportOnly := flags.Bool("report", false, "only write the report of the saved results, and their figures in docs/capacity.md")
	home := flags.String("home", "loadtest", "the folder of this module")
	if err := flags.Parse(args); err != nil {
		return nil, false, err
	}
	b = &benchmark{
		sizing: fullSizing.scaledBy(*scale), log: out, home: *home, repeatSaved: *again, quick: *isQuick || *isShort, short: *isShort,
		publishable: *reportOnly || *scale == 1 && *only == "" && *target == "both", sampleInterval: time.Second,
		cores: runtime.NumCPU(), targets: []string{embedded, fleet},
	}
	if *target != "both" {
		b.targets = []string{*target}
		if *target != embedded && *target != fleet {
			return nil, false, errors.New("--target: embedded, fleet or both")
		}
	}
	if *only != "" {
		b.selected = strings.Split(*only, ",")
	}
	if *into == "" {
		*into = time.Now().UTC().Format(time.DateOnly)
	}
	if b.home, err = filepath.Abs(b.home); err != nil {
		return nil, false, err
	}
	b.resultsDir = filepath.Join(b.home, "results", *into)
	if b.quick {
		b.sizing, b.sampleInterval, b.repeatSaved = quickSizing, 250*time.Millisecond, true
		b.resultsDir = filepath.Join(filepath.Dir(b.home), "bin", "capacity")
		if b.short {
			b.UsersPerLocust = fullSizing.UsersPerLocust // one process
			b.Voters = 60
		}
	}
	b.programPath = filepath.Join(filepath.Dir(b.home), "bin", "risingstars")
	b.workDir, err = os.MkdirTemp("", "risingstars-capacity-once-")
	return b, *reportOnly, err
}

// checkPrerequisites finds the programs that the runs need, and makes the clips.
func (b *benchmark) checkPrerequisites(ctx context.Context) error {
	for path, how := range map[string]string{
		b.programPath: "make build", b.locustPath(): "scripts/setup test",
	} {
		if !fileHasContent(path) {
			return fmt.Errorf("%s is missing: run %s", filepath.Base(path), how)
		}
	}
	var err error
	if b.ffmpeg, err = exec.LookPath("ffmpeg"); err != nil {
		return err
	}
	if b.ffprobe, err = exec.LookPath("ffprobe"); err != nil {
		return err
	}
	if err := os.MkdirAll(b.uploadClipsFolder(), 0o750); err != nil {
		return fmt.Errorf("create the folder for clips: %w", err)
	}
	specs := uploadClips
	switch {
	case b.short:
		specs = quickClips[:1] // so FFmpeg renders once in all
	case b.quick:
		specs = quickClips
	}
	for _, s := range specs {
		path, err := makeClipFile(ctx, b.ffmpeg, b.uploadClipsFolder(), s)
		if err != nil {
			return err
		}
		b.uploadedClips = append(b.uploadedClips, path)
	}
	return nil
}

// uploadClipsFolder keeps the clips between two invocations. Locust uploads every clip in it.
func (b *benchmark) uploadClipsFolder() string {
	switch {
	case b.short:
		return filepath.Join(b.home, "clips", "short")
	case b.quick:
		return filepath.Join(b.home, "clips", "quick")
	default:
		return filepath.Join(b.home, "clips", "upload")
	}
}

func (b *benchmark) reportProgress(format string, args ...any) {
	_, _ = fmt.Fprintf(b.log, format+"\n", args...)
}

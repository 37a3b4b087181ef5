// Command loadtest finds out how much the platform bears: it starts the platform, lets people at it, and holds what was
// acknowledged against what is there afterwards. docs/capacity.md says how and what came of it.
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
	resultsDir     string // of the results
	workDir        string // what is made once
	selected       []string
	targets        []string
	repeatSaved    bool
	quick          bool          // every part once with a few people: the figures say nothing
	short          bool          // quick, and only one load of each kind
	publishable    bool          // neither scaled nor a trial, so that the figures are worth documenting
	sampleInterval time.Duration // between two looks at the processes
	cores          int
	uploadedClips  []string // that are uploaded

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

// parseCommandLine reads the command line. docs says that only the report and the figures of docs/capacity.md are wanted.
func parseCommandLine(args []string, out io.Writer) (b *benchmark, docs bool, err error) {
	flags := flag.NewFlagSet("loadtest", flag.ContinueOnError)
	flags.SetOutput(out)
	isShort := flags.Bool("short", false, "one load of each kind with a few people, in half a minute; the figures say nothing")
	isQuick := flags.Bool("quick", false, "every part once with a few people, in minutes; the figures say nothing")
	scale := flags.Float64("scale", 1, "users and times, by this factor")
	target := flags.String("target", "both", "embedded, fleet, or both")
	only := flags.String("only", "", "runs whose names have one of these in them, separated by commas: smoke, ramp, sustained, votes, gallery, workers, ratio")
	into := flags.String("into", "", "name of the folder of results; runs that are there are not made again (default: today's date)")
	again := flags.Bool("again", false, "make runs again whose results are there")
	reportOnly := flags.Bool("report", false, "only write the report of what is there, and the figures in docs/capacity.md")
	home := flags.String("home", "loadtest", "this folder in the checkout")
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
	}
	b.programPath = filepath.Join(filepath.Dir(b.home), "bin", "risingstars")
	b.workDir, err = os.MkdirTemp("", "risingstars-capacity-once-")
	return b, *reportOnly, err
}

// checkPrerequisites looks whether all is there that the runs need, and makes the clips.
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
		return fmt.Errorf("make a folder for clips: %w", err)
	}
	specs := uploadClips
	if b.quick {
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

// uploadClipsFolder is where clips stay from one time to the next.
func (b *benchmark) uploadClipsFolder() string {
	if b.quick {
		return filepath.Join(b.home, "clips", "quick")
	}
	return filepath.Join(b.home, "clips", "upload")
}

func (b *benchmark) reportProgress(format string, args ...any) {
	_, _ = fmt.Fprintf(b.log, format+"\n", args...)
}

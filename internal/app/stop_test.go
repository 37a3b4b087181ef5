package app_test

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// stopGrace is a STOP_GRACE that no test waits for: a process that stops earlier has not waited for the grace time.
const stopGrace = "1h"

// processing starts a server with one video whose rendition has begun and waits for the gate to open.
func processing(tb testing.TB, settings apptest.Settings) (p *program, gate apptest.Gate) {
	tb.Helper()
	gate = apptest.NewGate(tb)
	settings["FFMPEG"] = gate.FFmpeg
	p = serve(tb, settings)
	ana := newPlayer(tb, p.url, "ana@example.com")
	ana.mustUpload(tb, p.url, mediatest.Clip(tb, mediatest.Spec{}))
	testserver.Eventually(tb, "FFmpeg runs", func() bool { return len(gate.Arrived(tb)) == 1 })
	return p, gate
}

// wantRow compares the only video and its job with the expected states.
func wantRow(tb testing.TB, dataDir, status, state string, attempt int) {
	tb.Helper()
	list := rows(tb, dataDir)
	want := []row{{ID: 1, Status: status, Token: list[0].Token, Format: "mp4", Run: list[0].Run, Jobs: 1, State: state, Attempt: attempt}}
	if diff := cmp.Diff(want, list); diff != "" {
		tb.Errorf("videos (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{}, files(tb, dataDir+"/work")); diff != "" {
		tb.Errorf("work files (-want +got):\n%s", diff)
	}
}

func TestStopWaitsForJobs(t *testing.T) {
	t.Parallel()
	settings := apptest.Settings{"DATA_DIR": t.TempDir(), "STOP_GRACE": stopGrace}
	p, gate := processing(t, settings)

	p.signal(syscall.SIGTERM)
	p.logs("stopping")
	gate.Open(t)

	if diff := cmp.Diff(0, p.wait()); diff != "" {
		t.Errorf("exit code (-want +got):\n%s", diff)
	}
	wantRow(t, settings["DATA_DIR"], "processed", "completed", 1)
}

func TestStopHandsJobsBack(t *testing.T) {
	t.Parallel()
	settings := apptest.Settings{"DATA_DIR": t.TempDir(), "STOP_GRACE": "100ms"}
	p, gate := processing(t, settings)

	p.signal(syscall.SIGTERM)

	if diff := cmp.Diff(0, p.wait()); diff != "" {
		t.Errorf("exit code (-want +got):\n%s", diff)
	}
	if err := syscall.Kill(gate.Arrived(t)[0], 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("FFmpeg is still there: %v", err)
	}
	noChildren(t, settings["DATA_DIR"])
	wantRow(t, settings["DATA_DIR"], "processing", "available", 0)
	gate.Open(t)
	goesOn(t, settings)
	wantRow(t, settings["DATA_DIR"], "processed", "completed", 1)
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, second := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(second.String(), func(t *testing.T) {
			t.Parallel()
			settings := apptest.Settings{"DATA_DIR": t.TempDir(), "STOP_GRACE": stopGrace}
			p, gate := processing(t, settings)
			p.signal(syscall.SIGTERM)
			p.logs("stopping")

			p.signal(second)

			p.wait()
			if diff := cmp.Diff("signal: "+second.String(), p.cmd.ProcessState.String()); diff != "" {
				t.Errorf("end (-want +got):\n%s", diff)
			}
			noChildren(t, settings["DATA_DIR"])
			gate.Open(t)
			goesOn(t, settings)
			wantRow(t, settings["DATA_DIR"], "processed", "completed", 1)
		})
	}
}

// An upload in progress at the shutdown is completed.
func TestStopLetsUploadsEnd(t *testing.T) {
	t.Parallel()
	server := apptest.Start(t, apptest.Settings{"STOP_GRACE": stopGrace})
	ana := newPlayer(t, server.URL, "ana@example.com")
	clip := mediatest.Clip(t, mediatest.Spec{Moving: true}) // too large for the socket buffers
	rest, uploaded, stopped := make(chan bool), make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := ana.upload(server.URL, "Triple", clip, func() { <-rest })
		uploaded <- err
	}()
	testserver.Eventually(t, "the upload is under way", func() bool {
		return len(must(filepath.Glob(server.DataDir+"/work/process-*/upload-*"))(t)) == 1
	})

	go func() { stopped <- server.Stop() }()

	testserver.Eventually(t, "it stops", func() bool { return strings.Contains(server.Log(), "stopping") })
	close(rest)
	check(t, <-uploaded)
	check(t, <-stopped)
	wantRow(t, server.DataDir, "uploaded", "available", 0)
}

// An event stream does not end by itself, and does not delay a shutdown.
func TestStopEndsStreams(t *testing.T) {
	t.Parallel()
	server := apptest.Start(t, apptest.Settings{"STOP_GRACE": stopGrace, "WORKERS": "0"})
	ana := newPlayer(t, server.URL, "ana@example.com")
	id := ana.mustUpload(t, server.URL, mediatest.Clip(t, mediatest.Spec{}))
	request := must(http.NewRequest(http.MethodGet, fmt.Sprintf("%s/api/videos/%d/events", server.URL, id), nil))(t)
	request.Header.Set("Authorization", "Bearer "+ana.token)
	answer := must(httpClient.Do(request))(t)
	defer answer.Body.Close()
	must(bufio.NewReader(answer.Body).ReadString('\n'))(t) // the stream has begun

	check(t, server.Stop())
}

// goesOn starts the program again and waits until the video is processed.
func goesOn(tb testing.TB, settings apptest.Settings) {
	tb.Helper()
	p := serve(tb, settings)
	ana := must(signIn(p.url, "ana@example.com"))(tb)
	ana.waitFor(tb, p.url, 1, "processed")
	p.signal(syscall.SIGINT)
	if diff := cmp.Diff(0, p.wait()); diff != "" {
		tb.Errorf("exit code (-want +got):\n%s", diff)
	}
}

// logs waits until the program has logged a text.
func (p *program) logs(text string) {
	p.Helper()
	testserver.Eventually(p, "the log says "+text, func() bool { return strings.Contains(p.log.String(), text) })
}

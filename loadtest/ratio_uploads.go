package main

import (
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

// compareUploads measures how many uploads of 10 MB the web process accepts for a second of processor time, compared with a
// bare handler that copies the same body to a file and flushes it. A second figure includes the programs that the web
// process starts, such as ffprobe for unusual files.
func (b *benchmark) compareUploads(h *harness) []figure {
	t := newTargetWithTables(h, embedded, b.programPath, true)
	t.startProcesses(0, nil)
	token := newPreparer(t).signUpAll("star", 1, true)[0].Token
	plain, plainURL := h.startBareServer("copy", "BENCH_DIR="+h.TempDir())
	web := t.watched[len(t.watched)-1].pid
	clip, err := os.ReadFile(b.uploadedClips[len(b.uploadedClips)-1])
	h.requireNoError(err, "read the clip")
	uploads := 40
	if b.quick {
		uploads = 4
	}
	var own, all, walls []float64
	for range b.Rounds {
		before, beforeAll, begin := ownProcessorTime(web), useOfProcessTree(readProcessTree(), web).cpu, time.Now()
		uploadConcurrently(h, t.url+"/api/videos/upload", token, clip, uploads)
		wall, mine, mineAll := time.Since(begin).Seconds(), ownProcessorTime(web)-before, useOfProcessTree(readProcessTree(), web).cpu-beforeAll
		before, begin = ownProcessorTime(plain.processID()), time.Now()
		uploadConcurrently(h, plainURL, "", clip, uploads)
		theirs := max(ownProcessorTime(plain.processID())-before, 1./ticksPerSecond)
		own, all = append(own, theirs/max(mine, 1./ticksPerSecond)), append(all, theirs/max(mineAll, 1./ticksPerSecond))
		walls = append(walls, time.Since(begin).Seconds()/wall)
	}
	return []figure{
		figureAtLeast("uploads for a processor second of the web process", medianOf(own), "of bare", .5),
		{What: "the same with the programs that it starts counted in", Value: medianOf(all), Unit: "of bare"},
		{What: "uploads a second, four at once", Value: medianOf(walls), Unit: "of bare"},
	}
}

// ownProcessorTime is the processor time of a process without its children, in seconds.
func ownProcessorTime(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	s, _ := parseProcessStat(string(text))
	return s.own
}

// uploadConcurrently uploads a clip n times, four at once.
func uploadConcurrently(h *harness, url, token string, clip []byte, n int) {
	client := &http.Client{Timeout: 10 * time.Minute}
	defer client.CloseIdleConnections()
	turns, failures := make(chan struct{}, 4), make(chan error, n)
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			_, err := postClip(h.ctx, client, url, token, "Triple desde la esquina", clip)
			failures <- err
		})
	}
	group.Wait()
	close(failures)
	for err := range failures {
		h.requireNoError(err, "upload")
	}
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ticksPerSecond is the unit of processor time in /proc: USER_HZ, which is 100 on every Linux that Go runs on.
const ticksPerSecond = 100

// resourceUse is what a process and its descendants use of the machine.
type resourceUse struct {
	cpu    float64 // processor seconds so far, those of descendants that have ended included
	memory int64   // resident bytes at the moment
}

// processStat is a line of /proc/PID/stat.
type processStat struct {
	parent, pid int
	own, waited float64 // processor seconds: its own, and those of children that have ended
	memory      int64
}

// readProcessTree reads all processes from /proc, by the ids of their parents. Without /proc there are none.
func readProcessTree() map[int][]processStat {
	children := map[int][]processStat{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is good
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		if s, ok := parseProcessStat(string(text)); ok {
			children[s.parent] = append(children[s.parent], s)
		}
	}
	return children
}

// parseProcessStat reads a line of proc_pid_stat(5). The name in parentheses may contain parentheses, so fields are counted
// from the last one.
func parseProcessStat(text string) (processStat, bool) {
	head, rest, ok := strings.Cut(text, " (")
	end := strings.LastIndex(rest, ") ")
	if !ok || end < 0 {
		return processStat{}, false
	}
	fields := strings.Fields(rest[end+2:]) // from the third field on
	if len(fields) < 22 {
		return processStat{}, false
	}
	number := func(field int) int64 { n, _ := strconv.ParseInt(fields[field-3], 10, 64); return n }
	pid, err := strconv.Atoi(head)
	return processStat{
		pid: pid, parent: int(number(4)), own: float64(number(14)+number(15)) / ticksPerSecond,
		waited: float64(number(16)+number(17)) / ticksPerSecond, memory: number(24) * int64(os.Getpagesize()),
	}, err == nil
}

// useOfProcessTree is the use of a process and its descendants.
func useOfProcessTree(all map[int][]processStat, pid int) resourceUse {
	var sum resourceUse
	for _, siblings := range all {
		for _, s := range siblings {
			if s.pid == pid {
				sum = resourceUse{s.own + s.waited, s.memory}
			}
		}
	}
	for _, child := range all[pid] {
		u := useOfProcessTree(all, child.pid)
		sum.cpu += u.cpu
		sum.memory += u.memory
	}
	return sum
}

// countConnections counts the established connections of clients to some ports (/proc/net/tcp, state 01).
func countConnections(ports []int) int {
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return 0
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[3] != "01" {
			continue
		}
		_, port, _ := strings.Cut(fields[1], ":")
		local, err := strconv.ParseInt(port, 16, 32)
		if err == nil && slices.Contains(ports, int(local)) {
			n++
		}
	}
	return n
}

// resourceSample is what the watched processes use at one moment of a run.
type resourceSample struct {
	At          float64            // seconds since the run began
	CPU         map[string]float64 // processors in use since the sample before, by the process's name
	Memory      map[string]int64   // resident bytes
	Connections int
	Waiting     int // videos that are not processed yet
}

// sampler periodically samples what the processes of a run use.
type sampler struct {
	target *target
	begin  time.Time

	mu         sync.Mutex
	watched    []watchedProcess
	samples    []resourceSample
	before     map[string]float64
	last       time.Time
	onShortage func(what string) // called when disk space or memory is nearly used up
}

// watchProcess adds a process that was started during the run. It replaces an earlier process with the same name.
func (s *sampler) watchProcess(name string, pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watched = slices.DeleteFunc(s.watched, func(w watchedProcess) bool { return w.name == name })
	delete(s.before, name)
	s.watched = append(s.watched, watchedProcess{name, pid})
}

// sampleUntilDone samples periodically until ctx ends.
func (s *sampler) sampleUntilDone(ctx context.Context, every time.Duration) {
	s.begin, s.last, s.before = time.Now(), time.Now(), map[string]float64{}
	s.takeSample(ctx, false)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.takeSample(ctx, true)
		}
	}
}

func (s *sampler) takeSample(ctx context.Context, keep bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, now := readProcessTree(), time.Now()
	next := resourceSample{At: now.Sub(s.begin).Seconds(), CPU: map[string]float64{}, Memory: map[string]int64{}}
	for _, w := range s.watched {
		u := useOfProcessTree(all, w.pid)
		if before, ok := s.before[w.name]; ok && u.cpu >= before {
			next.CPU[w.name] = (u.cpu - before) / now.Sub(s.last).Seconds()
		}
		s.before[w.name] = u.cpu
		next.Memory[w.name] = u.memory
	}
	s.last = now
	next.Connections = countConnections(s.target.clientPorts)
	if n, err := s.target.countUnfinishedVideos(ctx); err == nil {
		next.Waiting = n
	}
	if keep {
		s.samples = append(s.samples, next)
	}
	if what := shortageOfMachine(s.target.mediaDir); what != "" {
		s.onShortage(what)
	}
}

// Below these a run would measure a machine that swaps or has a full disk, and disturb other programs.
const (
	leastDisk   = 4 << 30
	leastMemory = 768 << 20
)

// shortageOfMachine says which resource is nearly used up, "" if none is.
func shortageOfMachine(dir string) string {
	var disk syscall.Statfs_t
	if syscall.Statfs(dir, &disk) == nil && float64(disk.Bavail)*float64(disk.Bsize) < leastDisk {
		return fmt.Sprintf("less than %d GiB of disk left", leastDisk>>30)
	}
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); n == 1 && kib<<10 < leastMemory {
			return fmt.Sprintf("less than %d MiB of memory left", leastMemory>>20)
		}
	}
	return ""
}

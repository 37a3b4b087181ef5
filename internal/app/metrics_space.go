package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"
)

// space reports the free disk space at each scrape.
type space struct {
	folders    []folder
	free, size *prometheus.Desc
}

func newSpace(folders []folder) *space {
	return &space{
		folders: folders,
		free: prometheus.NewDesc("risingstars_folder_free_bytes",
			"Bytes that can still be written where the folder is: data is DATA_DIR, media that of the media.", []string{"folder"}, nil),
		size: prometheus.NewDesc("risingstars_folder_size_bytes",
			"Bytes of the file system where the folder is.", []string{"folder"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (s *space) Describe(ch chan<- *prometheus.Desc) {
	ch <- s.free
	ch <- s.size
}

// Collect implements prometheus.Collector. A folder whose file system does not answer has no values.
func (s *space) Collect(ch chan<- prometheus.Metric) {
	for _, f := range s.folders {
		stat, ok := f.look()
		if !ok {
			continue
		}
		block := float64(stat.Bsize)
		ch <- prometheus.MustNewConstMetric(s.free, prometheus.GaugeValue, float64(stat.Bavail)*block, f.name)
		ch <- prometheus.MustNewConstMetric(s.size, prometheus.GaugeValue, float64(stat.Blocks)*block, f.name)
	}
}

// folder is a folder that may be on a network file system. While that is unavailable, statfs blocks. turn is a
// semaphore that bounds the blocked calls to one.
type folder struct {
	name, path string
	turn       chan struct{}
}

func newFolder(name, path string) folder { return folder{name, path, make(chan struct{}, 1)} }

// lookTime is the timeout of statfs.
const lookTime = time.Second

// look calls statfs. It returns ok = false after a second, and at once while an earlier call is blocked.
func (f folder) look() (stat unix.Statfs_t, ok bool) {
	select {
	case f.turn <- struct{}{}:
	default:
		return stat, false
	}
	seen := make(chan unix.Statfs_t, 1)
	go func() { // ends when statfs returns
		defer func() { <-f.turn }()
		defer close(seen)
		var stat unix.Statfs_t
		if unix.Statfs(f.path, &stat) == nil {
			seen <- stat
		}
	}()
	select {
	case stat, ok = <-seen:
		return stat, ok
	case <-time.After(lookTime):
		return stat, false
	}
}

package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"
)

// space tells, whenever metrics are asked for, how much room there is for files.
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

// Collect implements prometheus.Collector. A folder that cannot be looked at has no values.
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

// folder is one that may be on a server that is away, where a look takes until it is back.
type folder struct {
	name, path string
	turn       chan struct{}
}

func newFolder(name, path string) folder { return folder{name, path, make(chan struct{}, 1)} }

// lookTime bounds a look at a folder.
const lookTime = time.Second

// look gives up after a second, and at once while an earlier look has not come back.
func (f folder) look() (stat unix.Statfs_t, ok bool) {
	select {
	case f.turn <- struct{}{}:
	default:
		return stat, false
	}
	seen := make(chan unix.Statfs_t, 1)
	go func() { // ends when the folder answers
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

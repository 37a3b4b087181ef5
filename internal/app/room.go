package app

import (
	"syscall"

	"risingstars/internal/contest"
)

// room checks the free disk space: it returns contest.ErrNoSpace while less is free than MIN_FREE_BYTES in the folder
// of uploads or in a local media folder, and logs when that begins and ends. A file system that cannot report its
// free space counts as having enough.
func (p *platform) room() error {
	err := p.roomNow()
	if short := err != nil; p.short.Swap(short) != short {
		if short {
			p.log.Warn("no room: uploads are refused", "least", p.settings.MinFreeBytes)
		} else {
			p.log.Info("there is room for uploads again")
		}
	}
	return err
}

func (p *platform) roomNow() error {
	for _, folder := range []string{p.work, p.settings.InData("uploads"), p.media.Dir} {
		free, err := freeBytes(folder)
		if err == nil && free < uint64(p.settings.MinFreeBytes) { // is not negative
			return contest.ErrNoSpace
		}
	}
	return nil
}

// freeBytes returns how many bytes an unprivileged user may still write to the folder's file system. It fails for "".
func freeBytes(folder string) (uint64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return 0, err
	}
	return fs.Bavail * uint64(fs.Bsize), nil
}

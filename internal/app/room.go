package app

import (
	"syscall"

	"risingstars/internal/contest"
)

// room checks the free disk space: it returns contest.ErrNoSpace while less is free than MIN_FREE_BYTES where uploads arrive, or
// where originals are kept in a folder, and logs when that begins and ends. A file system that does not say how much is free is taken to have enough.
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
		if err == nil && free < uint64(p.settings.MinFreeBytes) { // which is not negative
			return contest.ErrNoSpace
		}
	}
	return nil
}

// freeBytes is how much may still be written to the file system of a folder. For "" it is an error.
func freeBytes(folder string) (uint64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return 0, err
	}
	return fs.Bavail * uint64(fs.Bsize), nil
}

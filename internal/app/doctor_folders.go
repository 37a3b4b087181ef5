package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"risingstars/internal/config"
)

// defaultDataDir is the default of DATA_DIR. Any other value was typed by an operator and may be a mistake.
const defaultDataDir = "./data"

func dataFinding(s *config.Settings) finding {
	return folderFinding("data", s.DataDir, "DATA_DIR", s.DataDir != defaultDataDir)
}

// folderFinding reports whether a setting's folder exists or can be created, without creating it. If an operator
// named the folder and it does not exist, that may be a mistake.
func folderFinding(part, path, setting string, named bool) finding {
	there, err := existing(path)
	if err == nil {
		err = unix.Access(there, unix.W_OK|unix.X_OK)
	}
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		return finding{part, fmt.Sprintf("%s: %s is a file", setting, there), "name a folder as " + setting, true}
	case err != nil:
		mend := fmt.Sprintf("let this user write to %s, or name another folder as %s", there, setting)
		return finding{part, fmt.Sprintf("%s: %s: %v", setting, there, err), mend, true}
	case !keepsFiles(there):
		return finding{part, fmt.Sprintf("%s: %s is on no disk, and keeps no files", setting, there), "name another folder as " + setting, true}
	case there == path:
		return finding{part: part, is: path + " can be written"}
	}
	f := finding{part: part, is: path + " is not there yet: serve makes it"}
	if named {
		f.mend = fmt.Sprintf("mend %s, or mount the folder, if it should be there", setting)
	}
	return f
}

// keepsFiles tells a disk from a virtual file system such as /proc.
func keepsFiles(folder string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(folder, &fs) != nil || fs.Blocks > 0
}

// existing returns the path or its nearest ancestor that exists. The error is about that one.
func existing(path string) (string, error) {
	stat, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(path) != path {
		return existing(filepath.Dir(path))
	}
	if errors.Is(err, syscall.ENOTDIR) {
		return existing(filepath.Dir(path))
	}
	if err == nil && !stat.IsDir() {
		err = syscall.ENOTDIR
	}
	return path, err //nolint:wrapcheck // the caller names the path
}

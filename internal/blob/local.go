package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"risingstars/internal/disk"
)

// Local keeps objects as files under a folder, which may be on a network file system that several hosts share. It
// uses no locks: an object is written beside its place, synced, and renamed.
type Local struct{ root string }

// NewLocal keeps objects under root, which it makes if it is not there.
func NewLocal(root string) (*Local, error) {
	absolute, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("find the media folder: %w", err)
	}
	if err := os.MkdirAll(absolute, 0o750); err != nil {
		return nil, fmt.Errorf("make the media folder: %w", err)
	}
	return &Local{root: absolute}, nil
}

func (l *Local) pathOfKey(key string) (string, error) {
	if err := checkKey(key); err != nil {
		return "", err
	}
	return filepath.Join(l.root, filepath.FromSlash(key)), nil
}

// PutFile moves the file at path under the key; it counts as changed now, however old it is. When it returns nil the object
// is on disk, whatever happens to the machine. On the same file system nothing is copied. On an error the file at path may be
// gone or still there; the object is not. An object that is there already is replaced at once, and whoever reads it keeps the old one.
func (l *Local) PutFile(ctx context.Context, key, path string) error {
	place, err := l.pathOfKey(key)
	if err != nil {
		return err
	}
	if err := l.linkOrCopy(ctx, place, path); err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

// fileMode lets the group read what the program writes: a web server that sends the media by itself is in it.
const fileMode = 0o640

func (l *Local) linkOrCopy(ctx context.Context, place, path string) error {
	if err := os.Chmod(path, fileMode); err != nil {
		return err
	}
	now := time.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		return err
	}
	if err := syncPath(path); err != nil {
		return err
	}
	if err := l.makeFolderDurable(filepath.Dir(place)); err != nil {
		return err
	}
	err := os.Rename(path, place)
	if errors.Is(err, syscall.EXDEV) {
		err = copyThenRename(ctx, place, path)
	}
	if err != nil {
		return err
	}
	return syncPath(filepath.Dir(place))
}

// copyThenRename copies a file from another file system: to a name beside its place, synced, then renamed.
func copyThenRename(ctx context.Context, place, path string) (err error) {
	source, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	part, err := os.CreateTemp(filepath.Dir(place), ".part-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part.Name()))
		}
	}()
	_, err = disk.CopyContext(ctx, part, source)
	if err = errors.Join(err, part.Chmod(fileMode), part.Sync(), part.Close()); err != nil {
		return err
	}
	if err = os.Rename(part.Name(), place); err != nil {
		return err
	}
	return os.Remove(path)
}

// makeFolderDurable makes a folder below the root durably: every folder in which a new name appears is synced.
func (l *Local) makeFolderDurable(folder string) error {
	if folder == l.root {
		return nil
	}
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	parent := filepath.Dir(folder)
	if err := l.makeFolderDurable(parent); err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncPath(parent)
}

// syncPath flushes a file or a folder to disk.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// isNotFound reports whether the error means that no file has that path, be it only because a file stands where a folder
// would have to.
func isNotFound(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// Open opens an object to read; whoever opened it closes it. It returns ErrNotFound if there is none.
func (l *Local) Open(_ context.Context, key string) (io.ReadSeekCloser, Info, error) {
	place, err := l.pathOfKey(key)
	if err != nil {
		return nil, Info{}, errors.Join(ErrNotFound, err)
	}
	f, err := os.Open(place)
	if isNotFound(err) {
		return nil, Info{}, ErrNotFound
	}
	if err != nil {
		return nil, Info{}, fmt.Errorf("open %s: %w", key, err)
	}
	stat, err := f.Stat()
	if err != nil || !stat.Mode().IsRegular() {
		return nil, Info{}, errors.Join(ErrNotFound, err, f.Close())
	}
	return f, Info{Key: key, Size: stat.Size(), Modified: stat.ModTime()}, nil
}

// Fetch makes the object readable as a file at path, which must not exist yet; the caller removes it, and must not
// write to it. On the same file system it is a second name for the same bytes, else a copy. It returns ErrNotFound if
// there is no such object.
func (l *Local) Fetch(ctx context.Context, key, path string) error {
	place, err := l.pathOfKey(key)
	if err != nil {
		return err
	}
	err = disk.LinkOrCopy(ctx, place, path)
	if _, gone := os.Stat(place); err != nil && isNotFound(gone) { // and not the folder to fetch it to
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("fetch %s: %w", key, err)
	}
	return nil
}

// Delete removes an object, and the folders that it leaves empty. If there is none, that is no error.
func (l *Local) Delete(_ context.Context, key string) error {
	place, err := l.pathOfKey(key)
	if err != nil {
		return err
	}
	if err := os.Remove(place); err != nil && !isNotFound(err) {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	l.removeEmptyFolders(filepath.Dir(place))
	return nil
}

// DeletePrefix removes all objects below a prefix that ends in a slash.
func (l *Local) DeletePrefix(_ context.Context, prefix string) error {
	folder, err := l.pathOfKey(strings.TrimSuffix(prefix, "/"))
	if err != nil {
		return err
	}
	if err := os.RemoveAll(folder); err != nil && !isNotFound(err) {
		return fmt.Errorf("delete %s: %w", prefix, err)
	}
	return nil
}

// removeEmptyFolders removes folders upward as long as they are empty. One that another writer just made may go with them;
// that writer then gets an error and tries again later.
func (l *Local) removeEmptyFolders(folder string) {
	for folder != l.root && strings.Count(strings.TrimPrefix(folder, l.root), string(filepath.Separator)) > 1 {
		if syscall.Rmdir(folder) != nil { // os.Remove would take a file as well
			return
		}
		folder = filepath.Dir(folder)
	}
}

// emptyFolderAge is how long a folder must have been empty until it is taken for one that a dead program left.
const emptyFolderAge = time.Hour

// Walk calls fn for every object whose key begins with the prefix, which ends in a slash. Objects that go away
// meanwhile are passed over. Folders that have been empty for an hour are removed on the way.
func (l *Local) Walk(ctx context.Context, prefix string, fn func(Info) error) error {
	folder, err := l.pathOfKey(strings.TrimSuffix(prefix, "/"))
	if err != nil {
		return err
	}
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if isNotFound(err) {
			return nil
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		stat, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("walk: %w", err)
		}
		if entry.IsDir() {
			return removeLeftEmpty(path, folder, stat)
		}
		key, err := filepath.Rel(l.root, path)
		if err != nil {
			return fmt.Errorf("walk: %w", err)
		}
		return fn(Info{Key: filepath.ToSlash(key), Size: stat.Size(), Modified: stat.ModTime()})
	})
}

// removeLeftEmpty removes a folder below the one that is walked if it is empty and old, and then says not to look into it.
func removeLeftEmpty(path, walked string, stat fs.FileInfo) error {
	if path == walked || time.Since(stat.ModTime()) < emptyFolderAge || syscall.Rmdir(path) != nil {
		return nil //nolint:nilerr // a folder that stays is looked into
	}
	return fs.SkipDir
}

// Check writes, reads and removes a small object, to show that the storage works. Of those that a dead program left, it
// removes what is an hour old.
func (l *Local) Check(ctx context.Context) error {
	l.removeCheckFiles()
	f, err := os.CreateTemp(l.root, checkPattern)
	if err != nil {
		return fmt.Errorf("write to the media folder: %w", err)
	}
	_, err = f.WriteString("ok")
	err = errors.Join(err, f.Close())
	if err == nil {
		var got []byte
		if got, err = os.ReadFile(f.Name()); err == nil && string(got) != "ok" {
			err = errors.New("read back something else")
		}
	}
	if err = errors.Join(err, os.Remove(f.Name()), ctx.Err()); err != nil {
		return fmt.Errorf("check the media folder: %w", err)
	}
	return nil
}

// checkPattern is of the names of the files that Check makes.
const checkPattern = ".check-*"

func (l *Local) removeCheckFiles() {
	paths, err := filepath.Glob(filepath.Join(l.root, checkPattern))
	if err != nil {
		return // the root has a character that patterns have a use for
	}
	for _, path := range paths {
		if stat, err := os.Stat(path); err == nil && time.Since(stat.ModTime()) > emptyFolderAge {
			_ = os.Remove(path) // or the next time
		}
	}
}

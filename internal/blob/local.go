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

// Local stores objects as files under a folder, which may be on a network file system that several hosts share. It
// uses no locks: it writes a file to a temporary name, syncs it, and renames it.
type Local struct{ root string }

// NewLocal stores objects under root, and creates the folder if it does not exist.
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

// PutFile moves the file at path to the object under the key, and sets its modification time to now. When it returns
// nil, the object is synced to disk and survives a crash of the machine. On the same file system it renames the file
// and copies nothing. On an error the file at path may be gone or still there, and the object is not there. If there
// is already an object under the key, it is replaced atomically, and readers that have opened it keep the old one.
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

// fileMode lets the group read the files, for a web server in that group that sends the media itself.
const fileMode = 0o640

// linkOrCopy makes the object durable: it syncs the file, renames it to its place, and syncs the folder.
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

// copyThenRename copies a file from another file system to a temporary name in the object's folder, syncs it, and
// renames it.
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

// makeFolderDurable creates a folder below the root, and syncs every folder that gets a new entry.
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

// syncPath flushes a file or a folder to disk (fsync).
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// isNotFound reports whether no file has that path. This includes a path below a file that is not a folder (ENOTDIR).
func isNotFound(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// Open opens an object for reading; the caller closes it. It returns ErrNotFound if there is none.
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

// Fetch makes the object readable as a file at path, which must not exist yet. The caller removes the file and must
// not write to it: on the same file system it is a hard link to the object, else a copy. It returns ErrNotFound if
// there is no such object.
func (l *Local) Fetch(ctx context.Context, key, path string) error {
	place, err := l.pathOfKey(key)
	if err != nil {
		return err
	}
	err = disk.LinkOrCopy(ctx, place, path)
	if _, gone := os.Stat(place); err != nil && isNotFound(gone) { // only if the object is missing, not the folder of path
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("fetch %s: %w", key, err)
	}
	return nil
}

// Delete deletes an object and the folders that become empty. It returns nil if there is none.
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

// DeletePrefix deletes all objects below a prefix that ends in a slash.
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

// removeEmptyFolders removes the folder and its parents as long as they are empty, but no folder directly below the
// root. It may remove a folder that another writer has just made; that writer gets an error and retries later.
func (l *Local) removeEmptyFolders(folder string) {
	for folder != l.root && strings.Count(strings.TrimPrefix(folder, l.root), string(filepath.Separator)) > 1 {
		if syscall.Rmdir(folder) != nil { // os.Remove would remove a file as well
			return
		}
		folder = filepath.Dir(folder)
	}
}

// emptyFolderAge is how old an empty folder must be before Walk removes it. A crashed program may have left it; a
// younger one may be about to get a file.
const emptyFolderAge = time.Hour

// Walk calls fn for every object below a prefix that ends in a slash. It skips objects that are deleted during the
// walk, and removes folders that have been empty for an hour.
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

// removeLeftEmpty removes a folder below the walked one if it is empty and old, and then returns fs.SkipDir.
func removeLeftEmpty(path, walked string, stat fs.FileInfo) error {
	if path == walked || time.Since(stat.ModTime()) < emptyFolderAge || syscall.Rmdir(path) != nil {
		return nil //nolint:nilerr // a folder that stays is looked into
	}
	return fs.SkipDir
}

// Check writes, reads and deletes a small file, to verify that the storage works. It also removes such files that are
// older than an hour, which a crashed program has left.
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

// checkPattern matches the names of the files that Check makes.
const checkPattern = ".check-*"

func (l *Local) removeCheckFiles() {
	paths, err := filepath.Glob(filepath.Join(l.root, checkPattern))
	if err != nil {
		return // the root's path has a special character of glob patterns
	}
	for _, path := range paths {
		if stat, err := os.Stat(path); err == nil && time.Since(stat.ModTime()) > emptyFolderAge {
			_ = os.Remove(path) // else at the next Check
		}
	}
}

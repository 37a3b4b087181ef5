package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	manifestName   = "manifest.json"
	manifestFormat = 1
	databaseName   = "risingstars.db"
	mediaName      = "media"
)

// manifest lists the contents of a backup: every file with its size and SHA-256.
type manifest struct {
	Format   int            `json:"format"`
	Program  string         `json:"program"` // the version that made the backup
	MadeAt   time.Time      `json:"made_at"`
	Contest  string         `json:"contest"`           // its identity
	Deleted  []int64        `json:"deleted,omitempty"` // videos that were deleted during the backup, and are not in it
	Files    []manifestFile `json:"files"`
	inAll    int64          // bytes
	mediaAll int            // files
}

// manifestFile is one file of a backup.
type manifestFile struct {
	Path   string `json:"path"` // relative to the backup's folder, with slashes
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// add adds a file in the folder to the manifest.
func (m *manifest) add(ctx context.Context, folder, path string) error {
	f, err := describe(ctx, folder, path)
	if err != nil {
		return err
	}
	m.Files = append(m.Files, f)
	m.inAll += f.Size
	return nil
}

func describe(ctx context.Context, folder, path string) (manifestFile, error) {
	f, err := os.Open(filepath.Join(folder, filepath.FromSlash(path)))
	if err != nil {
		return manifestFile{}, err
	}
	defer func() { _ = f.Close() }() // only read
	hash := sha256.New()
	size, err := copyUntil(ctx, hash, f)
	if err != nil {
		return manifestFile{}, fmt.Errorf("read %s: %w", path, err)
	}
	return manifestFile{Path: path, Size: size, SHA256: hex.EncodeToString(hash.Sum(nil))}, nil
}

// copyUntil copies to EOF, or until ctx ends.
func copyUntil(ctx context.Context, to io.Writer, from io.Reader) (n int64, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		part, err := io.CopyN(to, from, 8<<20)
		n += part
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// write writes the manifest into the folder and syncs all its folders, so that all names in it are durable.
func (m *manifest) write(folder string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := writeSynced(filepath.Join(folder, manifestName), append(text, '\n')); err != nil {
		return err
	}
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return syncPath(path)
	})
}

func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncPath calls fsync on a file or a folder.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// readManifest reads a backup's manifest and verifies that the folder contains exactly the files that it lists.
func readManifest(folder string) (m manifest, err error) {
	text, err := os.ReadFile(filepath.Join(folder, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("%s is no backup: it has no %s", folder, manifestName)
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%s is damaged: %w", manifestName, err)
	}
	if m.Format != manifestFormat {
		return m, fmt.Errorf("the backup is of another program's form (%d, this one knows %d)", m.Format, manifestFormat)
	}
	wanted := map[string]bool{manifestName: true}
	for _, f := range m.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return m, fmt.Errorf("%s is damaged: it names a file outside the backup", manifestName)
		}
		wanted[f.Path] = true
		m.inAll += f.Size
	}
	if !wanted[databaseName] {
		return m, fmt.Errorf("%s is damaged: it names no %s", manifestName, databaseName)
	}
	return m, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err == nil && !wanted[filepath.ToSlash(name)] {
			err = fmt.Errorf("%s is not the backup's", name)
		}
		return err
	})
}

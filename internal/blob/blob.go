// Package blob keeps objects by key: files on a disk or a shared file system, or objects in a bucket of S3.
//
// An object is there whole or not at all, and is never written twice under one key.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// ErrNotFound is returned where there is no object under a key.
var ErrNotFound = errors.New("no such object")

// Info describes an object.
type Info struct {
	Key      string
	Size     int64 // bytes
	Modified time.Time
}

// checkKey refuses keys that are not plain relative paths: no "..", no empty part, no leading or trailing slash.
func checkKey(key string) error {
	if key == "." || path.Clean(key) != key || !filepath.IsLocal(key) || strings.ContainsAny(key, "\\\x00") {
		return fmt.Errorf("%q cannot be a key", key)
	}
	return nil
}

// Storage is what every kind of storage can do; Local says what each means.
type Storage interface {
	PutFile(ctx context.Context, key, path string) error
	Open(ctx context.Context, key string) (io.ReadSeekCloser, Info, error)
	Fetch(ctx context.Context, key, path string) error
	Delete(ctx context.Context, key string) error
	DeletePrefix(ctx context.Context, prefix string) error
	Walk(ctx context.Context, prefix string, fn func(Info) error) error
	Check(ctx context.Context) error
}

// Package blob stores objects by key: as files on a disk or a shared file system, or as objects in an S3 bucket.
//
// An object appears whole or not at all. Each key is written once.
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

// ErrNotFound is returned if there is no object under the key.
var ErrNotFound = errors.New("no such object")

// Info describes an object.
type Info struct {
	Key      string
	Size     int64 // bytes
	Modified time.Time
}

// checkKey refuses a key that is not a plain relative path: no "..", no empty part, no leading or trailing slash, no
// backslash or NUL.
func checkKey(key string) error {
	if key == "." || path.Clean(key) != key || !filepath.IsLocal(key) || strings.ContainsAny(key, "\\\x00") {
		return fmt.Errorf("%q cannot be a key", key)
	}
	return nil
}

// Storage is what every storage implements. The doc comments of Local define each method.
type Storage interface {
	PutFile(ctx context.Context, key, path string) error
	Open(ctx context.Context, key string) (io.ReadSeekCloser, Info, error)
	Fetch(ctx context.Context, key, path string) error
	Delete(ctx context.Context, key string) error
	DeletePrefix(ctx context.Context, prefix string) error
	Walk(ctx context.Context, prefix string, fn func(Info) error) error
	Check(ctx context.Context) error
}

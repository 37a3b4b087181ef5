// Package blob keeps objects by key: files on a disk or a shared file system.
//
// An object is there whole or not at all, and is never written twice under one key.
package blob

import (
	"errors"
	"fmt"
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

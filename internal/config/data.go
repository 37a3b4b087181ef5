package config

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// InData returns the path of an entry of DATA_DIR.
func (s *Settings) InData(name string) string { return filepath.Join(s.DataDir, name) }

// Secret returns SECRET_KEY, or the secret in DATA_DIR, which the first call generates: 32 random bytes, in a file
// that only its owner can read.
func (s *Settings) Secret() ([]byte, error) {
	if s.SecretKey != "" {
		return []byte(s.SecretKey), nil
	}
	path := s.InData("secret.key")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newSecret(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the kept secret: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" || CheckSecret(secret) != nil {
		return nil, fmt.Errorf("%s does not hold a secret of %d characters: restore it, or remove it to have a new one, "+
			"which signs everybody out", path, MinSecret)
	}
	return []byte(secret), nil
}

// newSecret writes a new secret to path. It writes a temporary file, syncs and renames it, so the file is complete or
// does not exist.
func newSecret(path string) ([]byte, error) {
	var random [MinSecret]byte
	rand.Read(random[:]) // never fails
	secret := hex.EncodeToString(random[:])
	f, err := os.CreateTemp(filepath.Dir(path), ".secret-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("keep a new secret: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(secret + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, fmt.Errorf("keep a new secret: %w", err)
	}
	return []byte(secret), nil
}

package config

import (
	"encoding"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// maxFile bounds the size of a NAME_FILE in bytes: it contains one value.
const maxFile = 64 << 10

// Environment reads the settings that are not flags. It collects the problems, so that all are reported at once.
type Environment struct {
	lookup   func(name string) (value string, ok bool)
	secret   func(name string) (string, error)
	problems []error
}

// NewEnvironment reads settings through a function like os.LookupEnv.
func NewEnvironment(lookup func(name string) (string, bool)) *Environment {
	return &Environment{lookup: lookup}
}

// Problems returns the errors of the values that were read. A setting with an error keeps its default.
func (e *Environment) Problems() error { return errors.Join(e.problems...) }

// Validate implements kong.Resolver.
func (e *Environment) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver: it returns the value of a flag that was not given, from NAME or NAME_FILE.
func (e *Environment) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	name := flag.Tag.Get("setting")
	if name == "" {
		return nil, nil
	}
	value, err := e.value(name)
	if err == nil {
		value, err = e.resolve(name, value)
	}
	if err == nil && value != "" {
		err = fits(flag, value)
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}
	if err != nil {
		e.problems = append(e.problems, err)
		return nil, nil
	}
	if value == "" {
		return nil, nil
	}
	return value, nil
}

// fits returns an error if a flag does not accept the value.
func fits(flag *kong.Flag, value string) error {
	scan := kong.ScanFromTokens(kong.Token{Value: value, Type: kong.FlagValueToken})
	scratch := reflect.New(flag.Target.Type()).Elem()
	err := flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: scan}, scratch)
	switch {
	case err == nil:
		return nil
	case scratch.Type() == reflect.TypeFor[time.Duration]():
		return fmt.Errorf("%q is no duration, such as 20s, 5m or 1h", value)
	case scratch.CanInt() && !reflect.PointerTo(scratch.Type()).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return fmt.Errorf("%q is no whole number", value)
	}
	return err //nolint:wrapcheck // the caller names the setting
}

// value returns a setting, or "" if it is not set. An empty variable counts as not set.
func (e *Environment) value(name string) (string, error) {
	value, _ := e.lookup(name)
	path, _ := e.lookup(name + "_FILE")
	switch {
	case path == "":
		return value, nil
	case value != "":
		return "", fmt.Errorf("%s and %s_FILE are both set; keep one", name, name)
	}
	stat, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, unread(path, err))
	}
	if stat.IsDir() {
		return "", fmt.Errorf("%s_FILE: %s is a folder; give the path of a file that holds the value", name, path)
	}
	if stat.Size() > maxFile {
		return "", fmt.Errorf("%s_FILE: %s is too large to hold one value", name, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, unread(path, err))
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// unread says what to do about a file that cannot be read.
func unread(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no file %s; mend the path, or leave the setting out", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("this user may not read %s; mend its owner or mode", path)
	}
	return err
}

// Help returns a setting's help text with its default and its NAME.
func Help(value *kong.Value) string {
	text := value.Help
	if value.Default != "" {
		text += " Default: " + value.Default + "."
	}
	if name := value.Tag.Get("setting"); name != "" {
		text += " [" + name + "]"
	}
	return strings.TrimSpace(text)
}

package config

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// maxFile bounds the file that a NAME_FILE names: it holds one value.
const maxFile = 64 << 10

// Source is where settings come from that are not flags: an environment, given as a function like os.LookupEnv.
type Source func(name string) (value string, ok bool)

// Validate implements kong.Resolver.
func (s Source) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver: the value of a flag that was not given, by its setting's NAME or NAME_FILE.
func (s Source) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	name := flag.Tag.Get("setting")
	if name == "" {
		return nil, nil
	}
	value, ok, err := s.value(name)
	if err != nil || !ok {
		return nil, err
	}
	return value, nil
}

// value finds a setting. An empty variable is as good as none.
func (s Source) value(name string) (string, bool, error) {
	value, _ := s(name)
	path, _ := s(name + "_FILE")
	switch {
	case path == "":
		return value, value != "", nil
	case value != "":
		return "", false, fmt.Errorf("%s and %s_FILE are both set; keep one", name, name)
	}
	stat, err := os.Stat(path)
	if err != nil {
		return "", false, fmt.Errorf("%s_FILE: %w", name, err)
	}
	if stat.Size() > maxFile {
		return "", false, fmt.Errorf("%s_FILE: %s is too large to hold one value", name, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", false, fmt.Errorf("%s_FILE: %w", name, err)
	}
	return strings.TrimRight(string(text), "\r\n"), true, nil
}

// Help shows a setting's default and its NAME beside its help text.
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

package config

import (
	"fmt"
	"log/slog"
	"strings"
)

// Level is the minimum level of log lines that are written. It is a [slog.Leveler].
type Level slog.Level

// UnmarshalText accepts debug, info, warn or error.
func (l *Level) UnmarshalText(text []byte) error {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(level.String(), string(text)) {
			*l = Level(level)
			return nil
		}
	}
	return fmt.Errorf("%q is none of debug, info, warn, error", text)
}

// Level implements [slog.Leveler].
func (l Level) Level() slog.Level { return slog.Level(l) }

// String returns the text that UnmarshalText accepts.
func (l Level) String() string { return strings.ToLower(slog.Level(l).String()) }

package config

import (
	"errors"
	"strconv"
)

// UnmarshalText parses "auto" or a number from 0 to 256.
func (w *Workers) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*w = AutoWorkers
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 || n > 256 {
		return errors.New(`must be "auto" or a number from 0 to 256`)
	}
	*w = Workers(n)
	return nil
}

// String returns the text that UnmarshalText parses.
func (w Workers) String() string {
	if w == AutoWorkers {
		return "auto"
	}
	return strconv.Itoa(int(w))
}

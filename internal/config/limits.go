package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate is a rate limit: a burst of Burst, then one per Every, which is at most an hour. Its text is such as 10/30s.
type Rate struct {
	Burst int
	Every time.Duration
}

const maxBurst = 1_000_000

// UnmarshalText parses a rate.
func (r *Rate) UnmarshalText(text []byte) error {
	first, second, found := strings.Cut(string(text), "/")
	burst, noNumber := strconv.Atoi(first)
	every, noTime := time.ParseDuration(second)
	if !found || noNumber != nil || noTime != nil || burst < 1 || burst > maxBurst || every < time.Millisecond || every > time.Hour {
		return fmt.Errorf("must be how often at once, a slash, and how long until once more, such as 10/30s; "+
			"up to %d, and from 1ms to 1h", maxBurst)
	}
	r.Burst, r.Every = burst, every
	return nil
}

// String returns the text that UnmarshalText parses.
func (r Rate) String() string { return fmt.Sprintf("%d/%s", r.Burst, r.Every) }

// checkLimits validates the limits on users.
func (s *Settings) checkLimits() error {
	return errors.Join(
		within("UPLOADS_AT_ONCE", int64(s.UploadsAtOnce), 1, 10_000),
		notNegative("MAX_UNPUBLISHED_BYTES", s.MaxUnpublished),
		notNegative("MIN_UPLOAD_RATE", s.MinUploadRate),
		within("PASSWORDS_AT_ONCE", int64(s.PasswordsAtOnce), 0, 256),
	)
}

// PasswordSlots returns how many passwords are hashed concurrently on a machine with the given number of processors:
// PASSWORDS_AT_ONCE, or half of the processors, so that the rest serves requests that do not hash a password.
func (s *Settings) PasswordSlots(processors int) int {
	if s.PasswordsAtOnce > 0 {
		return s.PasswordsAtOnce
	}
	return max(1, processors/2)
}

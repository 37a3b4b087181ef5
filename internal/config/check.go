package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MinSecret is the minimum length of SECRET_KEY in bytes: the hash size of HS256 (RFC 7518 section 3.2).
const MinSecret = 32

// maxTokenTTL is a hundred years, in seconds. A much larger number would overflow time.Duration.
const maxTokenTTL = 100 * 366 * 24 * 60 * 60

// Check validates every setting and returns all problems at once.
func (s *Settings) Check() error {
	return errors.Join(
		checkAddr("LISTEN_ADDR", s.ListenAddr, false),
		checkAddr("METRICS_ADDR", s.MetricsAddr, true),
		checkPublicURL(s.PublicURL),
		second(s.Proxies()),
		s.checkAccel(),
		s.checkEngines(),
		CheckSecret(s.SecretKey),
		checkOldSecret(s.SecretKeyOld),
		second(s.Origins()),
		checkContact(s.Contact),
		checkOrganizerPassword(s.OrganizerPassword),
		checkTracesURL(s.TracesURL),
		within("TRACES_PERCENT", int64(s.TracesPercent), 0, 100),
		oneOf("RATE_LIMIT", s.RateLimit, "on", "off"),
		oneOf("LOG_FORMAT", s.LogFormat, "text", "json"),
		within("ACCESS_TOKEN_EXPIRE_SECONDS", s.TokenTTL, 1, maxTokenTTL),
		positive("MAX_UPLOAD_BYTES", s.MaxUploadBytes),
		s.checkLimits(),
		within("PASSWORD_COST", int64(s.PasswordCost), 4, 15),
		notNegative("FFMPEG_THREADS", int64(s.FFmpegThreads)),
		checkFFmpegLimits(s.FFmpegMemory, s.FFmpegTime),
		oneOf("SANDBOX", s.Sandbox, SandboxAuto, SandboxRequired, SandboxOff),
		notNegative("STOP_GRACE", int64(s.StopGrace)),
		positive("SWEEP_GRACE", int64(s.SweepGrace)),
		notNegative("MIN_FREE_BYTES", s.MinFreeBytes),
		checkFile("BRAND_CURTAIN", s.BrandCurtain),
		checkFile("BRAND_WATERMARK", s.BrandWatermark),
	)
}

func (s *Settings) checkEngines() error {
	var problems []error
	if s.DataDir == "" {
		problems = append(problems, errors.New("DATA_DIR: must name a folder"))
	}
	problems = append(problems, s.checkDatabase())
	problems = append(problems, checkRedisURL(s.RedisURL))
	if _, err := s.Media(); err != nil {
		problems = append(problems, err)
	}
	if (s.S3AccessKey == "") != (s.S3SecretKey == "") {
		problems = append(problems, errors.New("S3_ACCESS_KEY: goes with S3_SECRET_KEY; give both or neither"))
	}
	return errors.Join(problems...)
}

// checkDatabase writes its own error texts, because those of url.Parse may quote the password. It requires
// SECRET_KEY: processes that share a database must accept each other's tokens, so none can generate its own secret.
func (s *Settings) checkDatabase() error {
	if s.DatabaseURL == "" {
		return nil
	}
	u, err := url.Parse(s.DatabaseURL)
	switch {
	case err != nil:
		return errors.New("DATABASE_URL: is no URL; in a password, characters such as / ? # @ are written as %2F %3F %23 %40")
	case (u.Scheme != "postgres" && u.Scheme != "postgresql") || strings.Trim(u.Path, "/") == "":
		return errors.New("DATABASE_URL: must be postgres://, a host and the name of a database, " +
			"such as postgres://USER:PASSWORD@db:5432/risingstars")
	}
	return errors.Join(
		within("DATABASE_CONNECTIONS", int64(s.DatabaseConnections), minConnections, maxConnections), s.needsSecret())
}

const (
	minConnections = 2 // the queue may be in a transaction while a request queries
	maxConnections = 1000
)

func (s *Settings) needsSecret() error {
	if s.SecretKey != "" {
		return nil
	}
	return errors.New("SECRET_KEY: must be given where DATABASE_URL is, the same for all processes " +
		"(openssl rand -hex 32 makes one)")
}

// checkRedisURL writes its own error texts, because those of url.Parse may quote the password.
func checkRedisURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return errors.New("REDIS_URL: is no URL; in a password, characters such as / ? # @ are written as %2F %3F %23 %40")
	}
	path := strings.Trim(u.Path, "/")
	_, noNumber := strconv.ParseUint(path, 10, 16)
	switch {
	case u.Scheme == "unix" && u.Host == "" && path != "":
	case (u.Scheme == "redis" || u.Scheme == "rediss") && u.Hostname() != "" && (path == "" || noNumber == nil):
	default:
		return errors.New("REDIS_URL: must be redis:// or rediss://, a host and no more than a database number, " +
			"such as redis://:PASSWORD@cache:6379/0, or unix:// and an absolute path")
	}
	return nil
}

// CheckSecret refuses a secret that is short enough or regular enough to be guessed. An empty secret counts as not
// set.
func CheckSecret(secret string) error {
	if secret == "" {
		return nil
	}
	if len(secret) < MinSecret {
		return fmt.Errorf("SECRET_KEY: has %d characters, must have %d or more (openssl rand -hex 32 makes one)",
			len(secret), MinSecret)
	}
	distinct := map[rune]bool{}
	for _, r := range secret {
		distinct[r] = true
	}
	if len(distinct) < 10 {
		return errors.New("SECRET_KEY: repeats a few characters; use a random one (openssl rand -hex 32 makes one)")
	}
	return nil
}

// checkOldSecret refuses a value that SECRET_KEY would not have accepted.
func checkOldSecret(secret string) error {
	if CheckSecret(secret) != nil {
		return errors.New("SECRET_KEY_OLD: is none that SECRET_KEY could have been")
	}
	return nil
}

// minOrganizerPassword is in characters.
const minOrganizerPassword = 16

// checkOrganizerPassword refuses a password that is short enough to be guessed. An empty password counts as not set.
func checkOrganizerPassword(password string) error {
	if n := utf8.RuneCountInString(password); n > 0 && n < minOrganizerPassword {
		return fmt.Errorf("ORGANIZER_PASSWORD: has %d characters, must have %d or more (openssl rand -hex 16 makes one)",
			n, minOrganizerPassword)
	}
	return nil
}

func checkAddr(name, addr string, optional bool) error {
	if addr == "" && optional {
		return nil
	}
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%s: %q is not HOST:PORT, such as 127.0.0.1:8080", name, addr)
	}
	return nil
}

func checkContact(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	page := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil
	parsed, err := mail.ParseAddress(text)
	if !page && (err != nil || parsed.Address != text || strings.ContainsAny(text, "?&%\"")) {
		return fmt.Errorf("CONTACT: %q is neither an email address nor an http(s) URL", text)
	}
	return nil
}

func checkPublicURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" ||
		strings.Trim(u.Path, "/") != "" || u.User != nil || strings.ContainsAny(text, "?#") {
		return errors.New("PUBLIC_URL: must be http:// or https:// and a host, without a path")
	}
	return nil
}

// leastMemory is the minimum address space of FFmpeg in bytes: with less its libraries do not load.
const leastMemory = 1 << 30

func checkFFmpegLimits(memory int64, longest time.Duration) error {
	var problems []error
	if memory != 0 && memory < leastMemory {
		problems = append(problems, fmt.Errorf("FFMPEG_MEMORY: must be 0, or %d (1 GiB) or more", leastMemory))
	}
	if longest < time.Minute || longest > time.Hour {
		problems = append(problems, errors.New("FFMPEG_TIME: must be from 1m to 1h"))
	}
	return errors.Join(problems...)
}

// checkTracesURL writes its own error text, because that of url.Parse may quote the password.
func checkTracesURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.ContainsAny(text, "?#") {
		return errors.New("TRACES_URL: must be http:// or https:// and a host, such as http://127.0.0.1:4318; " +
			"in a password, characters such as / ? # @ are written as %2F %3F %23 %40")
	}
	return nil
}

func positive(name string, n int64) error {
	if n <= 0 {
		return fmt.Errorf("%s: must be more than 0", name)
	}
	return nil
}

func oneOf(name, value string, allowed ...string) error {
	if !slices.Contains(allowed, value) {
		return fmt.Errorf("%s: %q is none of %s", name, value, strings.Join(allowed, ", "))
	}
	return nil
}

func within(name string, n, least, most int64) error {
	if n < least || n > most {
		return fmt.Errorf("%s: must be from %d to %d", name, least, most)
	}
	return nil
}

func notNegative(name string, n int64) error {
	if n < 0 {
		return fmt.Errorf("%s: must not be negative", name)
	}
	return nil
}

func checkFile(name, path string) error {
	if path == "" {
		return nil
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("%s: %w", name, unread(path, err))
	}
	return nil
}

// Package config defines every setting of the program: its name, default, validation and help.
//
// A setting is given, in this order of precedence, by a flag, by an environment variable of its NAME, or by a file
// whose path is in NAME_FILE. Each value may be a reference to a secret (awssm://NAME#KEY).
package config

import "time"

// Settings are the program's settings, as flags of its command line. The tag "setting" is the NAME.
type Settings struct {
	ListenAddr     string `setting:"LISTEN_ADDR" default:"127.0.0.1:8080" placeholder:"HOST:PORT" group:"web" help:"Where the web server listens."`
	PublicURL      string `setting:"PUBLIC_URL" name:"public-url" placeholder:"URL" group:"web" help:"How browsers reach the platform, such as https://stars.example.org; links to media begin with it. Empty: as each request was addressed."`
	TrustedProxies string `setting:"TRUSTED_PROXIES" placeholder:"LIST" group:"web" help:"Addresses and networks of proxies, separated by commas, such as 10.0.0.0/16,127.0.0.1: who asks, and how the platform was addressed, is taken from their X-Forwarded headers. Empty: from nobody's."`
	AccelRedirect  string `setting:"ACCEL_REDIRECT" placeholder:"PATH" group:"web" help:"An internal location of nginx, such as /_media/, under which it serves the folder of the media itself. Empty: the program sends them."`
	CORSOrigins    string `setting:"CORS_ORIGINS" name:"cors-origins" placeholder:"LIST" group:"web" help:"Origins of other sites whose scripts may use the API with a token, separated by commas, such as https://app.example.org. Empty: none."`
	Contact        string `setting:"CONTACT" placeholder:"EMAIL|URL" group:"web" help:"Where players reach the organizers, shown where pages tell them to ask: an email address, or a page's URL. Empty: it is not said."`

	DataDir             string `setting:"DATA_DIR" default:"./data" placeholder:"DIR" group:"data" help:"Where the embedded default keeps the database, the media and its secret, and where uploads and renders are worked on."`
	DatabaseURL         string `setting:"DATABASE_URL" name:"database-url" placeholder:"URL" group:"data" help:"PostgreSQL 15 or newer: postgres://USER:PASSWORD@HOST:5432/NAME, with sslmode=verify-full and sslrootcert= where it is reached over a network. Empty: SQLite in DATA_DIR."`
	DatabasePassword    string `setting:"DATABASE_PASSWORD" placeholder:"TEXT" group:"data" help:"The password for DATABASE_URL, where that has none."`
	DatabaseConnections int    `setting:"DATABASE_CONNECTIONS" default:"16" placeholder:"N" group:"data" help:"How many connections to PostgreSQL this process opens at most; it needs three more: to give votes, to hear of new jobs, and to ask whether a server that keeps it waiting lives."`
	RedisURL            string `setting:"REDIS_URL" name:"redis-url" placeholder:"URL" group:"data" help:"Where processes share events, cache and rate limits: redis://:PASSWORD@HOST:6379/0, rediss:// with TLS (?ca=FILE trusts the authorities of that file in place of the system's), or unix://. Empty: they live in the process."`
	RedisPassword       string `setting:"REDIS_PASSWORD" placeholder:"TEXT" group:"data" help:"The password for REDIS_URL, where that has none."`
	StorageURL          string `setting:"STORAGE_URL" name:"storage-url" placeholder:"URL" group:"data" help:"Where the media are: file:///mnt/videos, or s3://BUCKET/PREFIX with ?endpoint=HOST:PORT (empty: AWS), region=, owner=ACCOUNT, path_style=true, tls=off and serve=proxy as needed; empty: DATA_DIR/media."`
	S3AccessKey         string `setting:"S3_ACCESS_KEY" name:"s3-access-key" placeholder:"TEXT" group:"data" help:"The key for the bucket. Empty: AWS_ACCESS_KEY_ID, the AWS credentials file, or the machine's role."`
	S3SecretKey         string `setting:"S3_SECRET_KEY" name:"s3-secret-key" placeholder:"TEXT" group:"data" help:"The secret that goes with S3_ACCESS_KEY."`

	OrganizerPassword string `setting:"ORGANIZER_PASSWORD" placeholder:"TEXT" group:"people" help:"Opens the job queue's pages at /organizers/jobs/ to the user organizer; 16 characters or more that nobody can guess. Empty: there are no such pages."`

	SecretKey    string `setting:"SECRET_KEY" placeholder:"TEXT" group:"people" help:"Signs tokens and links; 32 characters or more that nobody can guess. Empty: generated once and kept in DATA_DIR."`
	SecretKeyOld string `setting:"SECRET_KEY_OLD" placeholder:"TEXT" group:"people" help:"The SECRET_KEY before this one, so that its tokens and links work until they expire. Empty: there was none, or it is long ago."`
	TokenTTL     int64  `setting:"ACCESS_TOKEN_EXPIRE_SECONDS" name:"access-token-expire-seconds" default:"3600" placeholder:"SECONDS" group:"people" help:"How long a token is good after sign-in."`
	PasswordCost int    `setting:"PASSWORD_COST" default:"10" placeholder:"N" group:"people" help:"bcrypt's work factor, 4 to 15: each step doubles the time of a sign-in; 10 takes about 60 ms. Less than 10 is for tests."`
	RateLimit    string `setting:"RATE_LIMIT" default:"on" placeholder:"on|off" group:"people" help:"Off is for load tests."`

	SignUpLimit          Rate  `setting:"LIMIT_SIGN_UPS" name:"limit-sign-ups" default:"200/5s" placeholder:"N/TIME" group:"limits" help:"Sign-ups from one address: so many at once, and one more every so long. An address may be a whole school."`
	FailedSignInLimit    Rate  `setting:"LIMIT_FAILED_SIGN_INS" name:"limit-failed-sign-ins" default:"10/30s" placeholder:"N/TIME" group:"limits" help:"Wrong passwords for one account from one address: so many, then waits that double, up to 15 minutes."`
	FailedSignInsAddress Rate  `setting:"LIMIT_FAILED_SIGN_INS_BY_ADDRESS" name:"limit-failed-sign-ins-by-address" default:"100/5s" placeholder:"N/TIME" group:"limits" help:"Wrong passwords from one address, whatever the accounts."`
	FailedSignInsAccount Rate  `setting:"LIMIT_FAILED_SIGN_INS_BY_ACCOUNT" name:"limit-failed-sign-ins-by-account" default:"50/1m" placeholder:"N/TIME" group:"limits" help:"Wrong passwords for one account, whatever the addresses. Beyond, each address has two tries and then waits of 5 minutes and more; the owner is let in at the first."`
	VoteLimit            Rate  `setting:"LIMIT_VOTES" name:"limit-votes" default:"120/1s" placeholder:"N/TIME" group:"limits" help:"Votes of one person, given and taken back."`
	VoteLimitAddress     Rate  `setting:"LIMIT_VOTES_BY_ADDRESS" name:"limit-votes-by-address" default:"3000/100ms" placeholder:"N/TIME" group:"limits" help:"Votes from one address."`
	UploadsAtOnce        int   `setting:"UPLOADS_AT_ONCE" default:"20" placeholder:"N" group:"limits" help:"How many uploads a player may have under way, of each kind: in one piece, and resumable."`
	MaxUnpublished       int64 `setting:"MAX_UNPUBLISHED_BYTES" name:"max-unpublished-bytes" default:"5368709120" placeholder:"BYTES" group:"limits" help:"How much a player's originals that are not public may take in all; 0: any."`
	MinUploadRate        int64 `setting:"MIN_UPLOAD_RATE" default:"2048" placeholder:"BYTES" group:"limits" help:"Bytes a second that an upload must bring, over each 30 s; 0: any."`
	PasswordsAtOnce      int   `setting:"PASSWORDS_AT_ONCE" default:"0" placeholder:"N" group:"limits" help:"How many passwords are hashed at once; others wait up to 3 s and are then asked to come again. 0: half of the processors."`

	MaxUploadBytes int64         `setting:"MAX_UPLOAD_BYTES" default:"104857600" placeholder:"BYTES" group:"people" help:"Largest video file that is accepted."`
	Workers        Workers       `setting:"WORKERS" default:"auto" placeholder:"N" group:"processing" help:"How many videos are processed at once; auto: one for each processor, which makes the most videos a minute; 0: none."`
	FFmpegThreads  int           `setting:"FFMPEG_THREADS" name:"ffmpeg-threads" default:"0" placeholder:"N" group:"processing" help:"Threads of each FFmpeg run; 0: the processors shared out among the workers."`
	FFmpeg         string        `setting:"FFMPEG" name:"ffmpeg" default:"ffmpeg" placeholder:"PROGRAM" group:"processing" help:"The ffmpeg program, by name or path."`
	FFprobe        string        `setting:"FFPROBE" name:"ffprobe" default:"ffprobe" placeholder:"PROGRAM" group:"processing" help:"The ffprobe program, by name or path."`
	FFmpegMemory   int64         `setting:"FFMPEG_MEMORY" name:"ffmpeg-memory" default:"0" placeholder:"BYTES" group:"processing" help:"The most address space one FFmpeg run may take, 1 GiB or more; 0: as its clip needs, 2 GiB for full HD and 6 for 8K. A clip that needs more fails."`
	FFmpegTime     time.Duration `setting:"FFMPEG_TIME" name:"ffmpeg-time" default:"1h" placeholder:"DURATION" group:"processing" help:"The most processor time that one clip may take, from 1m to 1h; most get much less, by their length and size."`
	Sandbox        string        `setting:"SANDBOX" default:"auto" placeholder:"auto|required|off" group:"processing" help:"Whether FFmpeg sees no files but its own and no network, by Landlock and seccomp. auto: as far as this machine can; required: not without; off: never."`
	BrandCurtain   string        `setting:"BRAND_CURTAIN" placeholder:"FILE" group:"processing" help:"A PNG of 1280x720, or larger and as wide as that, to show before and after each clip in place of ANB's own."`
	BrandWatermark string        `setting:"BRAND_WATERMARK" placeholder:"FILE" group:"processing" help:"A PNG with transparency, from 32x16 to 640x360, to show in its own size in the corner of each clip in place of ANB's own."`
	StopGrace      time.Duration `setting:"STOP_GRACE" default:"20s" placeholder:"DURATION" group:"operations" help:"How long a stop waits for requests and running jobs; jobs that take longer are handed back to the queue."`
	SweepGrace     time.Duration `setting:"SWEEP_GRACE" default:"3h" placeholder:"DURATION" group:"operations" help:"How long a file of the media that belongs to no video stays before it is removed. Nothing may take longer from the file to the video's row: 3h is right."`
	MinFreeBytes   int64         `setting:"MIN_FREE_BYTES" default:"1073741824" placeholder:"BYTES" group:"operations" help:"Uploads are refused while less is free where they are worked on or kept; 0: never."`
	MetricsAddr    string        `setting:"METRICS_ADDR" placeholder:"HOST:PORT" group:"operations" help:"A listener of its own for /metrics. Empty: /metrics is on the web server."`
	TracesURL      string        `setting:"TRACES_URL" name:"traces-url" placeholder:"URL" group:"operations" help:"Where traces go, as OTLP over HTTP: http://HOST:4318, with /v1/traces or another path, and USER:PASSWORD@ where the collector asks for it. Empty: there are none."`
	TracesPercent  int           `setting:"TRACES_PERCENT" default:"100" placeholder:"N" group:"operations" help:"How many of a hundred requests are traced, each with the processing of what it uploads."`
	LogFormat      string        `setting:"LOG_FORMAT" default:"text" placeholder:"text|json" group:"operations" help:"How log lines are written."`
	LogLevel       Level         `setting:"LOG_LEVEL" default:"info" placeholder:"LEVEL" group:"operations" help:"debug, info, warn or error."`
}

// The values of SANDBOX.
const (
	SandboxAuto     = "auto"
	SandboxRequired = "required"
	SandboxOff      = "off"
)

// Groups returns the headings of the settings in --help, by their group tag.
func Groups() map[string]string {
	return map[string]string{
		"web":        "Web server:",
		"data":       "Data:",
		"people":     "People:",
		"limits":     "Limits (RATE_LIMIT=off lifts those on people):",
		"processing": "Processing:",
		"operations": "Operations:",
	}
}

// Workers is a number of workers, or AutoWorkers.
type Workers int

// AutoWorkers means one worker per processor.
const AutoWorkers Workers = -1

// Count returns the number of workers on a machine with the given number of processors.
func (w Workers) Count(processors int) int {
	if w == AutoWorkers {
		return processors
	}
	return int(w)
}

// Threads returns how many threads one FFmpeg run uses if the workers share the given number of processors.
func (s *Settings) Threads(processors int) int {
	if s.FFmpegThreads > 0 {
		return s.FFmpegThreads
	}
	return max(1, processors/max(1, s.Workers.Count(processors)))
}

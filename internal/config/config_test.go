package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// parse reads settings as the program does.
func parse(args []string, environment map[string]string) (Settings, error) {
	var s Settings
	given := NewEnvironment(func(name string) (string, bool) {
		value, ok := environment[name]
		return value, ok
	})
	parser, err := kong.New(&s, kong.Name("test"), kong.Resolvers(given), kong.Exit(func(int) {}))
	if err != nil {
		return s, err
	}
	if _, err := parser.Parse(args); err != nil {
		return s, err
	}
	return s, given.Problems()
}

func defaults() Settings {
	return Settings{
		DatabaseConnections: 16,
		ListenAddr:          "127.0.0.1:8080", DataDir: "./data", TokenTTL: 3600, PasswordCost: 10, RateLimit: "on",
		SignUpLimit: Rate{200, 5 * time.Second}, FailedSignInLimit: Rate{10, 30 * time.Second},
		FailedSignInsAddress: Rate{100, 5 * time.Second}, FailedSignInsAccount: Rate{50, time.Minute},
		VoteLimit: Rate{120, time.Second}, VoteLimitAddress: Rate{3000, 100 * time.Millisecond},
		UploadsAtOnce: 20, MaxUnpublished: 5 << 30, MinUploadRate: 2048,
		MaxUploadBytes: 100 << 20, Workers: AutoWorkers, FFmpeg: "ffmpeg", FFprobe: "ffprobe",
		FFmpegTime: time.Hour, Sandbox: SandboxAuto,
		StopGrace: 20 * time.Second, SweepGrace: 3 * time.Hour, MinFreeBytes: 1 << 30, TracesPercent: 100, LogFormat: "text", LogLevel: Level(slog.LevelInfo),
	}
}

func with(change func(*Settings)) Settings {
	s := defaults()
	change(&s)
	return s
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "value")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args        []string
		environment map[string]string
		want        Settings
	}{
		"defaults": {nil, nil, defaults()},
		"environment": {
			nil, map[string]string{"LISTEN_ADDR": ":1", "WORKERS": "3", "STOP_GRACE": "1m", "LOG_LEVEL": "debug"},
			with(func(s *Settings) {
				s.ListenAddr, s.Workers, s.StopGrace, s.LogLevel = ":1", 3, time.Minute, Level(slog.LevelDebug)
			}),
		},
		"flags": {
			[]string{"--listen-addr=:2", "--access-token-expire-seconds=60", "--workers=0"}, nil,
			with(func(s *Settings) { s.ListenAddr, s.TokenTTL, s.Workers = ":2", 60, 0 }),
		},
		"a flag goes before the environment": {
			[]string{"--listen-addr=:2"}, map[string]string{"LISTEN_ADDR": ":1", "RATE_LIMIT": "off"},
			with(func(s *Settings) { s.ListenAddr, s.RateLimit = ":2", "off" }),
		},
		"a flag goes before a file": {
			[]string{"--listen-addr=:2"}, map[string]string{"LISTEN_ADDR_FILE": file(t, ":1")},
			with(func(s *Settings) { s.ListenAddr = ":2" }),
		},
		"a file": {
			nil, map[string]string{"SECRET_KEY_FILE": file(t, "from a file"), "MAX_UPLOAD_BYTES_FILE": file(t, "7")},
			with(func(s *Settings) { s.SecretKey, s.MaxUploadBytes = "from a file", 7 }),
		},
		"a file ends with its line": {
			nil, map[string]string{"SECRET_KEY_FILE": file(t, " kept as it is \r\n")},
			with(func(s *Settings) { s.SecretKey = " kept as it is " }),
		},
		"an empty variable is none": {
			nil, map[string]string{"LISTEN_ADDR": "", "SECRET_KEY": "", "SECRET_KEY_FILE": "", "WORKERS": ""}, defaults(),
		},
		"an empty variable beside a file": {
			nil, map[string]string{"SECRET_KEY": "", "SECRET_KEY_FILE": file(t, "x\n")},
			with(func(s *Settings) { s.SecretKey = "x" }),
		},
		"an empty file is none":       {nil, map[string]string{"LISTEN_ADDR_FILE": file(t, "\n")}, defaults()},
		"other variables are nothing": {nil, map[string]string{"PATH": "/bin", "PORT": "1", "listen_addr": ":1"}, defaults()},
		"a value like a flag": {
			nil, map[string]string{"SECRET_KEY": "--log-format=json"}, with(func(s *Settings) { s.SecretKey = "--log-format=json" }),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(test.args, test.environment)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProblemsOfTheEnvironment(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	tests := map[string]struct {
		environment map[string]string
		want        []string // a part of each line
	}{
		"a file that is not there": {map[string]string{"SECRET_KEY_FILE": "/no/such/file"}, []string{"SECRET_KEY_FILE: there is no file /no/such/file; mend the path"}},
		"a file that is a folder":  {map[string]string{"SECRET_KEY_FILE": folder}, []string{"SECRET_KEY_FILE: " + folder + " is a folder"}},
		"a file that is too large": {
			map[string]string{"SECRET_KEY_FILE": file(t, strings.Repeat("x", 64<<10+1))}, []string{"SECRET_KEY_FILE: "},
		},
		"both": {
			map[string]string{"SECRET_KEY": "x", "SECRET_KEY_FILE": file(t, "x")}, []string{"SECRET_KEY and SECRET_KEY_FILE are both set"},
		},
		"not a number":     {map[string]string{"MAX_UPLOAD_BYTES": "much"}, []string{`MAX_UPLOAD_BYTES: "much" is no whole number`}},
		"not a duration":   {map[string]string{"STOP_GRACE": "20"}, []string{`STOP_GRACE: "20" is no duration, such as 20s`}},
		"not a level":      {map[string]string{"LOG_LEVEL": "loud"}, []string{`LOG_LEVEL: "loud" is none of debug, info, warn, error`}},
		"negative workers": {map[string]string{"WORKERS": "-1"}, []string{"WORKERS: "}},
		"too many workers": {map[string]string{"WORKERS": "257"}, []string{"WORKERS: "}},
		"all at once": {
			map[string]string{"WORKERS": "many", "PASSWORD_COST": "x", "SECRET_KEY_FILE": "/no/such/file", "LISTEN_ADDR": ":1"},
			[]string{"SECRET_KEY_FILE: ", "PASSWORD_COST: ", "WORKERS: "},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(nil, test.environment)
			if err == nil {
				t.Fatal("it is taken")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Fatalf("got %q, want %q", lines, test.want)
			}
			for i, want := range test.want {
				if !strings.Contains(lines[i], want) {
					t.Errorf("got %q, want %q", lines[i], want)
				}
			}
		})
	}
}

func TestALargestFileIsTaken(t *testing.T) {
	t.Parallel()
	want := strings.Repeat("x", 64<<10)
	s, err := parse(nil, map[string]string{"SECRET_KEY_FILE": file(t, want)})
	if err != nil || s.SecretKey != want {
		t.Errorf("got %d bytes, %v", len(s.SecretKey), err)
	}
}

const goodSecret = "0123456789abcdef0123456789abcdef"

func TestCheck(t *testing.T) {
	t.Parallel()
	there := file(t, "x")
	tests := map[string]struct {
		change func(*Settings)
		want   string // the beginning of the error, "" for none
	}{
		"defaults":                     {func(*Settings) {}, ""},
		"listen on all":                {func(s *Settings) { s.ListenAddr = ":8080" }, ""},
		"listen on IPv6":               {func(s *Settings) { s.ListenAddr = "[::1]:8080" }, ""},
		"listen on a free port":        {func(s *Settings) { s.ListenAddr = "localhost:0" }, ""},
		"listen without a port":        {func(s *Settings) { s.ListenAddr = "127.0.0.1" }, "LISTEN_ADDR: "},
		"listen on a word":             {func(s *Settings) { s.ListenAddr = "127.0.0.1:http" }, "LISTEN_ADDR: "},
		"listen beyond the ports":      {func(s *Settings) { s.ListenAddr = ":65536" }, "LISTEN_ADDR: "},
		"listen nowhere":               {func(s *Settings) { s.ListenAddr = "" }, "LISTEN_ADDR: "},
		"listen on a URL":              {func(s *Settings) { s.ListenAddr = "http://localhost:80" }, "LISTEN_ADDR: "},
		"metrics elsewhere":            {func(s *Settings) { s.MetricsAddr = "127.0.0.1:9090" }, ""},
		"metrics without a port":       {func(s *Settings) { s.MetricsAddr = "localhost" }, "METRICS_ADDR: "},
		"traces":                       {func(s *Settings) { s.TracesURL = "http://127.0.0.1:4318" }, ""},
		"traces with all there is":     {func(s *Settings) { s.TracesURL = "https://stars:hunter2@collector/otlp/v1/traces" }, ""},
		"traces by address":            {func(s *Settings) { s.TracesURL = "127.0.0.1:4318" }, "TRACES_URL: "},
		"traces by gRPC":               {func(s *Settings) { s.TracesURL = "grpc://:hunter2@collector:4317" }, "TRACES_URL: "},
		"traces with a query":          {func(s *Settings) { s.TracesURL = "http://collector?token=hunter2" }, "TRACES_URL: "},
		"traces, password with slash":  {func(s *Settings) { s.TracesURL = "http://stars:hunter2/x@collector" }, "TRACES_URL: "},
		"no traces":                    {func(s *Settings) { s.TracesPercent = 0 }, ""},
		"more traces than requests":    {func(s *Settings) { s.TracesPercent = 101 }, "TRACES_PERCENT: "},
		"public URL":                   {func(s *Settings) { s.PublicURL = "https://stars.example.org" }, ""},
		"public URL with port, slash":  {func(s *Settings) { s.PublicURL = "http://localhost:8080/" }, ""},
		"public URL with path":         {func(s *Settings) { s.PublicURL = "https://example.org/stars" }, "PUBLIC_URL: "},
		"public URL with query":        {func(s *Settings) { s.PublicURL = "https://example.org?x" }, "PUBLIC_URL: "},
		"public URL with fragment":     {func(s *Settings) { s.PublicURL = "https://example.org#x" }, "PUBLIC_URL: "},
		"public URL with password":     {func(s *Settings) { s.PublicURL = "https://a:b@example.org" }, "PUBLIC_URL: "},
		"public URL without host":      {func(s *Settings) { s.PublicURL = "https://:443" }, "PUBLIC_URL: "},
		"public URL without scheme":    {func(s *Settings) { s.PublicURL = "example.org" }, "PUBLIC_URL: "},
		"public URL of another scheme": {func(s *Settings) { s.PublicURL = "javascript://example.org" }, "PUBLIC_URL: "},
		"no data folder":               {func(s *Settings) { s.DataDir = "" }, "DATA_DIR: "},
		"a database":                   {func(s *Settings) { s.DatabaseURL, s.SecretKey = "postgres://localhost/stars", goodSecret }, ""},
		"a database without a secret":  {func(s *Settings) { s.DatabaseURL = "postgres://localhost/stars" }, "SECRET_KEY: "},
		"a database of another kind":   {func(s *Settings) { s.DatabaseURL = "mysql://localhost/stars" }, "DATABASE_URL: "},
		"a database without a name":    {func(s *Settings) { s.DatabaseURL = "postgres://localhost" }, "DATABASE_URL: "},
		"a database that is no URL":    {func(s *Settings) { s.DatabaseURL = "postgres://u:p%zz@localhost/stars" }, "DATABASE_URL: "},
		"one connection": {func(s *Settings) {
			s.DatabaseURL, s.SecretKey, s.DatabaseConnections = "postgres://localhost/stars", goodSecret, 1
		}, "DATABASE_CONNECTIONS: "},
		"Redis":                        {func(s *Settings) { s.RedisURL = "redis://localhost" }, ""},
		"Redis with all there is":      {func(s *Settings) { s.RedisURL = "rediss://stars:hunter2@[::1]:6380/2?pool_size=9" }, ""},
		"Redis on a socket":            {func(s *Settings) { s.RedisURL = "unix://:hunter2@/run/redis.sock?db=2" }, ""},
		"Redis by address":             {func(s *Settings) { s.RedisURL = "localhost:6379" }, "REDIS_URL: "},
		"Redis by name":                {func(s *Settings) { s.RedisURL = "cache" }, "REDIS_URL: "},
		"Redis nowhere":                {func(s *Settings) { s.RedisURL = "redis://:hunter2@" }, "REDIS_URL: "},
		"Redis on no socket":           {func(s *Settings) { s.RedisURL = "unix:///" }, "REDIS_URL: "},
		"Redis on a relative socket":   {func(s *Settings) { s.RedisURL = "unix://run/redis.sock" }, "REDIS_URL: "},
		"Redis with a folder":          {func(s *Settings) { s.RedisURL = "redis://:hunter2@cache/stars" }, "REDIS_URL: "},
		"Redis below database 0":       {func(s *Settings) { s.RedisURL = "redis://:hunter2@cache/-1" }, "REDIS_URL: "},
		"Redis with two databases":     {func(s *Settings) { s.RedisURL = "redis://:hunter2@cache/1/2" }, "REDIS_URL: "},
		"Redis of another scheme":      {func(s *Settings) { s.RedisURL = "http://:hunter2@cache:6379" }, "REDIS_URL: "},
		"Redis, password with slash":   {func(s *Settings) { s.RedisURL = "redis://:hunter2/x@cache:6379" }, "REDIS_URL: "},
		"Redis, password with percent": {func(s *Settings) { s.RedisURL = "redis://:hunter2%zz@cache:6379" }, "REDIS_URL: "},
		"Redis, number as password":    {func(s *Settings) { s.RedisURL = "redis://stars:1/hunter2@cache:6379" }, "REDIS_URL: "},
		"storage in a folder":          {func(s *Settings) { s.StorageURL = "file:///mnt/videos" }, ""},
		"storage at a relative path":   {func(s *Settings) { s.StorageURL = "file:mnt/videos" }, "STORAGE_URL: "},
		"storage on a host":            {func(s *Settings) { s.StorageURL = "file://mnt/videos" }, "STORAGE_URL: "},
		"storage by path":              {func(s *Settings) { s.StorageURL = "/mnt/videos" }, "STORAGE_URL: "},
		"storage in S3":                {func(s *Settings) { s.StorageURL = "s3://bucket/prefix?region=x&tls=off" }, ""},
		"storage without a bucket":     {func(s *Settings) { s.StorageURL = "s3:///prefix" }, "STORAGE_URL: "},
		"storage with a password":      {func(s *Settings) { s.StorageURL = "s3://key:pass@bucket" }, "STORAGE_URL: "},
		"storage with a typo":          {func(s *Settings) { s.StorageURL = "s3://bucket?ower=1" }, "STORAGE_URL: "},
		"storage neither on nor off":   {func(s *Settings) { s.StorageURL = "s3://bucket?tls=no" }, "STORAGE_URL: "},
		"storage by URL of a server":   {func(s *Settings) { s.StorageURL = "s3://bucket?endpoint=http://host" }, "STORAGE_URL: "},
		"storage at an odd prefix":     {func(s *Settings) { s.StorageURL = "s3://bucket/a/../b" }, "STORAGE_URL: "},
		"half of a key":                {func(s *Settings) { s.S3AccessKey = "x" }, "S3_ACCESS_KEY: "},
		"secret of 32":                 {func(s *Settings) { s.SecretKey = goodSecret }, ""},
		"secret of 31":                 {func(s *Settings) { s.SecretKey = goodSecret[1:] }, "SECRET_KEY: "},
		"password of 16":               {func(s *Settings) { s.OrganizerPassword = "hunter2-ñ-hunter" }, ""},
		"password of 15":               {func(s *Settings) { s.OrganizerPassword = "hunter2-ñ-hunte" }, "ORGANIZER_PASSWORD: "},
		"secret of one letter":         {func(s *Settings) { s.SecretKey = strings.Repeat("x", 64) }, "SECRET_KEY: "},
		"secret of nine letters":       {func(s *Settings) { s.SecretKey = strings.Repeat("abcdefghi", 8) }, "SECRET_KEY: "},
		"old secret":                   {func(s *Settings) { s.SecretKeyOld = goodSecret }, ""},
		"old secret of 31":             {func(s *Settings) { s.SecretKeyOld = goodSecret[1:] }, "SECRET_KEY_OLD: "},
		"origins":                      {func(s *Settings) { s.CORSOrigins = "https://a.example.org, http://localhost:3000,," }, ""},
		"contact by email":             {func(s *Settings) { s.Contact = "estrellas@anb.example.org" }, ""},
		"contact by page":              {func(s *Settings) { s.Contact = "https://anb.example.org/ayuda?de=estrellas" }, ""},
		"contact with a name":          {func(s *Settings) { s.Contact = "ANB <estrellas@anb.example.org>" }, "CONTACT: "},
		"contact with a subject":       {func(s *Settings) { s.Contact = "a@anb.example.org?subject=x" }, "CONTACT: "},
		"contact that runs":            {func(s *Settings) { s.Contact = "javascript:alert(1)" }, "CONTACT: "},
		"contact by telephone":         {func(s *Settings) { s.Contact = "601 555 0100" }, "CONTACT: "},
		"any origin":                   {func(s *Settings) { s.CORSOrigins = "*" }, "CORS_ORIGINS: "},
		"origins of a pattern":         {func(s *Settings) { s.CORSOrigins = "https://*.example.org" }, "CORS_ORIGINS: "},
		"origin with a path":           {func(s *Settings) { s.CORSOrigins = "https://a.example.org/" }, "CORS_ORIGINS: "},
		"origin in capitals":           {func(s *Settings) { s.CORSOrigins = "https://A.example.org" }, "CORS_ORIGINS: "},
		"origin null":                  {func(s *Settings) { s.CORSOrigins = "null" }, "CORS_ORIGINS: "},
		"no uploads at once":           {func(s *Settings) { s.UploadsAtOnce = 0 }, "UPLOADS_AT_ONCE: "},
		"unpublished less than none":   {func(s *Settings) { s.MaxUnpublished = -1 }, "MAX_UNPUBLISHED_BYTES: "},
		"uploads that go backwards":    {func(s *Settings) { s.MinUploadRate = -1 }, "MIN_UPLOAD_RATE: "},
		"passwords less than none":     {func(s *Settings) { s.PasswordsAtOnce = -1 }, "PASSWORDS_AT_ONCE: "},
		"secret of ten letters":        {func(s *Settings) { s.SecretKey = strings.Repeat("abcdefghij", 8) }, ""},
		"limits off":                   {func(s *Settings) { s.RateLimit = "off" }, ""},
		"limits maybe":                 {func(s *Settings) { s.RateLimit = "OFF" }, "RATE_LIMIT: "},
		"JSON":                         {func(s *Settings) { s.LogFormat = "json" }, ""},
		"XML":                          {func(s *Settings) { s.LogFormat = "xml" }, "LOG_FORMAT: "},
		"tokens for a second":          {func(s *Settings) { s.TokenTTL = 1 }, ""},
		"tokens for no time":           {func(s *Settings) { s.TokenTTL = 0 }, "ACCESS_TOKEN_EXPIRE_SECONDS: "},
		"tokens for less":              {func(s *Settings) { s.TokenTTL = -1 }, "ACCESS_TOKEN_EXPIRE_SECONDS: "},
		"tokens for ever":              {func(s *Settings) { s.TokenTTL = math.MaxInt64 }, "ACCESS_TOKEN_EXPIRE_SECONDS: "},
		"uploads of a byte":            {func(s *Settings) { s.MaxUploadBytes = 1 }, ""},
		"no uploads":                   {func(s *Settings) { s.MaxUploadBytes = 0 }, "MAX_UPLOAD_BYTES: "},
		"least password cost":          {func(s *Settings) { s.PasswordCost = 4 }, ""},
		"most password cost":           {func(s *Settings) { s.PasswordCost = 15 }, ""},
		"password cost too low":        {func(s *Settings) { s.PasswordCost = 3 }, "PASSWORD_COST: "},
		"password cost too high":       {func(s *Settings) { s.PasswordCost = 16 }, "PASSWORD_COST: "},
		"threads":                      {func(s *Settings) { s.FFmpegThreads = 8 }, ""},
		"threads below none":           {func(s *Settings) { s.FFmpegThreads = -1 }, "FFMPEG_THREADS: "},
		"memory of a GiB":              {func(s *Settings) { s.FFmpegMemory = 1 << 30 }, ""},
		"memory of less":               {func(s *Settings) { s.FFmpegMemory = 1<<30 - 1 }, "FFMPEG_MEMORY: "},
		"time of a minute":             {func(s *Settings) { s.FFmpegTime = time.Minute }, ""},
		"time of less":                 {func(s *Settings) { s.FFmpegTime = time.Minute - 1 }, "FFMPEG_TIME: "},
		"time of more than an hour":    {func(s *Settings) { s.FFmpegTime = time.Hour + 1 }, "FFMPEG_TIME: "},
		"sandbox required":             {func(s *Settings) { s.Sandbox = "required" }, ""},
		"sandbox off":                  {func(s *Settings) { s.Sandbox = "off" }, ""},
		"sandbox perhaps":              {func(s *Settings) { s.Sandbox = "on" }, "SANDBOX: "},
		"no grace":                     {func(s *Settings) { s.StopGrace = 0 }, ""},
		"grace below none":             {func(s *Settings) { s.StopGrace = -1 }, "STOP_GRACE: "},
		"a sweep of what is new":       {func(s *Settings) { s.SweepGrace = 0 }, "SWEEP_GRACE: "},
		"uploads to the last byte":     {func(s *Settings) { s.MinFreeBytes = 0 }, ""},
		"less than nothing free":       {func(s *Settings) { s.MinFreeBytes = -1 }, "MIN_FREE_BYTES: "},
		"brand of one's own":           {func(s *Settings) { s.BrandCurtain, s.BrandWatermark = there, there }, ""},
		"curtain that is not there":    {func(s *Settings) { s.BrandCurtain = there + "x" }, "BRAND_CURTAIN: "},
		"watermark that is not there":  {func(s *Settings) { s.BrandWatermark = there + "x" }, "BRAND_WATERMARK: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := with(test.change)
			err := s.Check()
			if test.want == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Fatalf("got %v, want %s", err, test.want)
			}
			if lines := strings.Count(err.Error(), "\n"); lines > 0 {
				t.Errorf("got more than one problem: %v", err)
			}
			if s.SecretKey != "" && strings.Contains(err.Error(), s.SecretKey) {
				t.Errorf("the secret is shown: %v", err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
}

func TestCheckNamesAllThatIsWrongAtOnce(t *testing.T) {
	t.Parallel()
	s := Settings{SecretKey: "x", DatabaseURL: "x", RedisURL: "x", StorageURL: "x", PublicURL: "x", StopGrace: -1}
	var got []string
	for line := range strings.Lines(s.Check().Error()) {
		name, _, _ := strings.Cut(line, ":")
		got = append(got, name)
	}
	want := []string{
		"LISTEN_ADDR", "PUBLIC_URL", "DATA_DIR", "DATABASE_URL", "REDIS_URL", "STORAGE_URL", "SECRET_KEY", "RATE_LIMIT",
		"LOG_FORMAT", "ACCESS_TOKEN_EXPIRE_SECONDS", "MAX_UPLOAD_BYTES", "UPLOADS_AT_ONCE", "PASSWORD_COST", "FFMPEG_TIME", "SANDBOX", "STOP_GRACE", "SWEEP_GRACE",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestMediaDir(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"": "/data/media", "file:///mnt/videos": "/mnt/videos", "file:///mnt/my%20videos": "/mnt/my videos",
	} {
		s := Settings{DataDir: "/data", StorageURL: url}
		if got, err := s.Media(); got.Dir != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", url, got, err, want)
		}
	}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	s := with(func(s *Settings) {
		s.S3SecretKey, s.OrganizerPassword, s.RedisPassword, s.SecretKeyOld = goodSecret, goodSecret, goodSecret, goodSecret
		s.SecretKey, s.DatabaseURL, s.StopGrace = goodSecret, "postgres://stars:hunter2@db.example.org:5432/stars?sslmode=require", time.Minute
	})
	want := []Line{
		{"LISTEN_ADDR", "127.0.0.1:8080"}, {"PUBLIC_URL", ""}, {"TRUSTED_PROXIES", ""}, {"ACCEL_REDIRECT", ""}, {"CORS_ORIGINS", ""}, {"CONTACT", ""}, {"DATA_DIR", "./data"},
		{"DATABASE_URL", "postgres://stars:xxxxx@db.example.org:5432/stars"}, {"DATABASE_PASSWORD", ""}, {"DATABASE_CONNECTIONS", "16"}, {"REDIS_URL", ""}, {"REDIS_PASSWORD", "********"}, {"STORAGE_URL", ""},
		{"S3_ACCESS_KEY", ""}, {"S3_SECRET_KEY", "********"},
		{"ORGANIZER_PASSWORD", "********"}, {"SECRET_KEY", "********"}, {"SECRET_KEY_OLD", "********"}, {"ACCESS_TOKEN_EXPIRE_SECONDS", "3600"}, {"PASSWORD_COST", "10"}, {"RATE_LIMIT", "on"},
		{"LIMIT_SIGN_UPS", "200/5s"}, {"LIMIT_FAILED_SIGN_INS", "10/30s"}, {"LIMIT_FAILED_SIGN_INS_BY_ADDRESS", "100/5s"},
		{"LIMIT_FAILED_SIGN_INS_BY_ACCOUNT", "50/1m0s"}, {"LIMIT_VOTES", "120/1s"}, {"LIMIT_VOTES_BY_ADDRESS", "3000/100ms"}, {"UPLOADS_AT_ONCE", "20"},
		{"MAX_UNPUBLISHED_BYTES", "5368709120"}, {"MIN_UPLOAD_RATE", "2048"}, {"PASSWORDS_AT_ONCE", "0"},
		{"MAX_UPLOAD_BYTES", "104857600"}, {"WORKERS", "auto"}, {"FFMPEG_THREADS", "0"}, {"FFMPEG", "ffmpeg"},
		{"FFPROBE", "ffprobe"}, {"FFMPEG_MEMORY", "0"}, {"FFMPEG_TIME", "1h0m0s"}, {"SANDBOX", "auto"}, {"BRAND_CURTAIN", ""}, {"BRAND_WATERMARK", ""}, {"STOP_GRACE", "1m0s"}, {"SWEEP_GRACE", "3h0m0s"}, {"MIN_FREE_BYTES", "1073741824"}, {"METRICS_ADDR", ""},
		{"TRACES_URL", ""}, {"TRACES_PERCENT", "100"}, {"LOG_FORMAT", "text"}, {"LOG_LEVEL", "info"},
	}
	if diff := cmp.Diff(want, s.Masked()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestMaskedShowsNoPassword(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for url, want := range map[string]string{
		"postgres://stars:hunter2@db/stars":               "postgres://stars:xxxxx@db/stars",
		"postgres://db/stars?user=stars&password=hunter2": "postgres://db/stars",
		"redis://:hunter2@cache:6379/0":                   "redis://:xxxxx@cache:6379/0",
		"rediss://stars:hunter2@cache:6380/2?pool_size=9": "rediss://stars:xxxxx@cache:6380/2",
		"unix://:hunter2@/run/redis.sock?db=2":            "unix://:xxxxx@/run/redis.sock",
		"redis://:hunter2/x@cache:6379":                   hidden,
		"s3://key:hunter2@bucket/prefix?region=x":         "s3://key:xxxxx@bucket/prefix",
		"s3://bucket/prefix?secret=hunter2#hunter2":       "s3://bucket/prefix",
		"file:///mnt/videos?hunter2":                      "file:///mnt/videos",
		"postgres://stars:hunter2%zz@db/stars":            hidden, // does not parse
		"postgres://stars:hunter2/x@db/stars":             hidden,
		"postgres://stars:1/hunter2@db/stars":             hidden,
		"postgres://stars:1#hunter2@db/stars":             hidden,
		"postgres://stars:1?hunter2@db/stars":             hidden,
		"postgres:stars:hunter2@db":                       hidden,
		"host=db user=stars password=hunter2":             hidden,
		"hunter2":                                         hidden,
	} {
		for name, set := range map[string]func(*Settings){
			"DATABASE_URL": func(s *Settings) { s.DatabaseURL = url },
			"REDIS_URL":    func(s *Settings) { s.RedisURL = url },
			"STORAGE_URL":  func(s *Settings) { s.StorageURL = url },
			"PUBLIC_URL":   func(s *Settings) { s.PublicURL = url },
			"TRACES_URL":   func(s *Settings) { s.TracesURL = url },
		} {
			s := with(set)
			shown := fmt.Sprint(s.Masked())
			if strings.Contains(shown, secret) {
				t.Errorf("%s %s: shown is %s", name, url, shown)
			}
			if line := (Line{name, want}); !strings.Contains(shown, fmt.Sprint(line)) {
				t.Errorf("%s %s: want %s in %s", name, url, line, shown)
			}
		}
	}
}

func TestEverySettingIsDescribed(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z]+)*$`)
	seen := map[string]bool{}
	used := map[string]bool{}
	for field := range reflect.TypeFor[Settings]().Fields() {
		tag := field.Tag
		if !name.MatchString(tag.Get("setting")) || seen[tag.Get("setting")] {
			t.Errorf("%s has the NAME %q", field.Name, tag.Get("setting"))
		}
		seen[tag.Get("setting")] = true
		if help := tag.Get("help"); len(help) < 10 || !strings.HasSuffix(help, ".") {
			t.Errorf("%s has the help %q", field.Name, help)
		}
		if tag.Get("placeholder") == "" {
			t.Errorf("%s has no placeholder", field.Name)
		}
		group := tag.Get("group")
		if used[group] = true; Groups()[group] == "" {
			t.Errorf("%s is in the group %q, which there is not", field.Name, group)
		}
	}
	for group := range Groups() {
		if !used[group] {
			t.Errorf("group %q has no setting", group)
		}
	}
}

func TestFlagsAreTheNamesInLowerCase(t *testing.T) {
	t.Parallel()
	var s Settings
	parser, err := kong.New(&s)
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range parser.Model.Flags {
		name := flag.Tag.Get("setting")
		if want := strings.ToLower(strings.ReplaceAll(name, "_", "-")); name != "" && flag.Name != want {
			t.Errorf("%s is the flag --%s, want --%s", name, flag.Name, want)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var s Settings
	parser, err := kong.New(&s)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"listen-addr": "Where the web server listens. Default: 127.0.0.1:8080. [LISTEN_ADDR]",
		"redis-url": "Where processes share events, cache and rate limits: redis://:PASSWORD@HOST:6379/0, rediss:// with TLS (?ca=FILE trusts the authorities of that file in place of the system's), or unix://. " +
			"Empty: they live in the process. [REDIS_URL]",
		"help": "Show context-sensitive help.",
	}
	for _, flag := range parser.Model.Flags {
		if text, ok := want[flag.Name]; ok && Help(flag.Value) != text {
			t.Errorf("%s: got %q, want %q", flag.Name, Help(flag.Value), text)
		}
	}
}

func TestWorkers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want Workers
		bad  bool
	}{
		{"auto", AutoWorkers, false}, {"0", 0, false}, {"1", 1, false}, {"256", 256, false},
		{"-1", 0, true}, {"257", 0, true}, {"", 0, true}, {"Auto", 0, true}, {"1.5", 0, true}, {" 1", 0, true},
	}
	for _, test := range tests {
		var got Workers
		err := got.UnmarshalText([]byte(test.text))
		if got != test.want || (err != nil) != test.bad {
			t.Errorf("%q: got %d, %v, want %d", test.text, got, err, test.want)
		}
		if !test.bad && got.String() != test.text {
			t.Errorf("%q is written as %q", test.text, got)
		}
	}
}

func TestProcessorsAreSharedOut(t *testing.T) {
	t.Parallel()
	tests := []struct {
		workers             Workers
		threads, processors int
		wantCount, want     int
	}{
		{AutoWorkers, 0, 8, 8, 1},
		{2, 0, 8, 2, 4},
		{3, 0, 8, 3, 2},
		{16, 0, 8, 16, 1},
		{0, 0, 8, 0, 8},
		{AutoWorkers, 3, 8, 8, 3},
		{AutoWorkers, 0, 1, 1, 1},
	}
	for _, test := range tests {
		s := Settings{Workers: test.workers, FFmpegThreads: test.threads}
		if count, threads := s.Workers.Count(test.processors), s.Threads(test.processors); count != test.wantCount || threads != test.want {
			t.Errorf("%+v: got %d workers of %d threads", test, count, threads)
		}
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	s := Settings{DataDir: t.TempDir()}
	path := filepath.Join(s.DataDir, "secret.key")

	first, err := s.Secret()
	if err != nil {
		t.Fatal(err)
	}

	if err := CheckSecret(string(first)); err != nil || len(first) != 64 {
		t.Errorf("made %d characters: %v", len(first), err)
	}
	stat, err := os.Stat(path)
	if err != nil || stat.Mode() != 0o600 {
		t.Errorf("kept with mode %v, %v", stat.Mode(), err)
	}
	again, err := s.Secret()
	if err != nil || string(again) != string(first) {
		t.Errorf("the second time it is another, %v", err)
	}
	if entries, err := os.ReadDir(s.DataDir); len(entries) != 1 || err != nil {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	other := Settings{DataDir: t.TempDir()}
	if elsewhere, err := other.Secret(); err != nil || string(elsewhere) == string(first) {
		t.Errorf("elsewhere it is the same, %v", err)
	}
}

func TestSecretThatWasGivenIsNotKept(t *testing.T) {
	t.Parallel()
	s := Settings{DataDir: t.TempDir(), SecretKey: goodSecret}
	got, err := s.Secret()
	if string(got) != goodSecret || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(s.DataDir, "secret.key")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it was kept: %v", err)
	}
}

func TestSecretThatIsDamaged(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"empty": "", "blank": " \n", "cut": goodSecret[:31], "zeros": strings.Repeat("\x00", 64), "one letter": strings.Repeat("a", 64),
	}
	for name, content := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Settings{DataDir: t.TempDir()}
			path := filepath.Join(s.DataDir, "secret.key")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := s.Secret()
			if err == nil || got != nil || !strings.Contains(err.Error(), path) {
				t.Errorf("got %q, %v", got, err)
			}
			if kept, err := os.ReadFile(path); string(kept) != content || err != nil {
				t.Errorf("the file was changed to %q, %v", kept, err)
			}
		})
	}
}

func TestSecretWhereNothingCanBeKept(t *testing.T) {
	t.Parallel()
	s := Settings{DataDir: filepath.Join(t.TempDir(), "none")}
	if got, err := s.Secret(); err == nil {
		t.Errorf("got %d bytes that nobody keeps", len(got))
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Rate{"10/30s": {10, 30 * time.Second}, "1/1ms": {1, time.Millisecond}, "1000000/1h": {1_000_000, time.Hour}} {
		var got, again Rate
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
		if err := again.UnmarshalText([]byte(got.String())); err != nil || again != want {
			t.Errorf("%s is written %s, which reads %v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "10", "/", "10/", "/30s", "0/30s", "-1/30s", "1000001/30s", "10/0s", "10/-1s", "10/2h", "10/30", "x/30s", "10/1us", "10/30s/1"} {
		var got Rate
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got %v and no error", text, got)
		}
	}
}

func TestPasswordSlots(t *testing.T) {
	t.Parallel()
	for processors, want := range map[int]int{1: 1, 2: 1, 3: 1, 4: 2, 64: 32} {
		if got := (&Settings{}).PasswordSlots(processors); got != want {
			t.Errorf("%d processors: got %d, want %d", processors, got, want)
		}
	}
	if got := (&Settings{PasswordsAtOnce: 7}).PasswordSlots(2); got != 7 {
		t.Errorf("got %d, want 7", got)
	}
}

package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// parseWith reads settings as the program does, with the given secrets.
func parseWith(t *testing.T, args []string, environment, kept map[string]string) (Settings, error) {
	t.Helper()
	var s Settings
	given := NewEnvironment(func(name string) (string, bool) {
		value, ok := environment[name]
		return value, ok
	})
	given.ReadSecrets(func(name string) (string, error) {
		if text, ok := kept[name]; ok {
			return text, nil
		}
		return "", errors.New("there is no such secret")
	})
	parser, err := kong.New(&s, kong.Resolvers(given))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	return s, errors.Join(given.Problems(), given.Flags(&s), s.PutPasswords())
}

const hunter = "hunter2:/?#@%"

var kept = map[string]string{
	"database":  `{"username":"stars","password":"` + hunter + `","port":5432,"list":[1],"none":""}`,
	"plain":     goodSecret + "\n",
	"empty":     "\n",
	"arn:aws:1": goodSecret,
}

func TestReferences(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args        []string
		environment map[string]string
		want        func(*Settings)
	}{
		"a whole secret":  {nil, map[string]string{"SECRET_KEY": "awssm://plain"}, func(s *Settings) { s.SecretKey = goodSecret }},
		"an ARN":          {nil, map[string]string{"SECRET_KEY": "awssm://arn:aws:1"}, func(s *Settings) { s.SecretKey = goodSecret }},
		"a key":           {nil, map[string]string{"S3_ACCESS_KEY": "awssm://database#username"}, func(s *Settings) { s.S3AccessKey = "stars" }},
		"a number":        {nil, map[string]string{"FFMPEG_THREADS": "awssm://database#port"}, func(s *Settings) { s.FFmpegThreads = 5432 }},
		"a flag":          {[]string{"--secret-key=awssm://plain"}, nil, func(s *Settings) { s.SecretKey = goodSecret }},
		"another's flag":  {[]string{"--secret-key=awssm"}, nil, func(s *Settings) { s.SecretKey = "awssm" }},
		"in the database": {nil, map[string]string{"DATABASE_URL": "postgres://stars@db/stars", "DATABASE_PASSWORD": "awssm://database#password"}, passwords("DATABASE")},
		"in Redis":        {nil, map[string]string{"REDIS_URL": "rediss://cache:6379/0", "REDIS_PASSWORD": "awssm://database#password"}, passwords("REDIS")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseWith(t, test.args, test.environment, kept)
			if diff := cmp.Diff(with(test.want), got); diff != "" || err != nil {
				t.Errorf("%v, settings (-want +got):\n%s", err, diff)
			}
		})
	}
}

func passwords(of string) func(*Settings) {
	const escaped = "hunter2%3A%2F%3F%23%40%25"
	return func(s *Settings) {
		if of == "DATABASE" {
			s.DatabasePassword, s.DatabaseURL = hunter, "postgres://stars:"+escaped+"@db/stars"
			return
		}
		s.RedisPassword, s.RedisURL = hunter, "rediss://:"+escaped+"@cache:6379/0"
	}
}

func TestAReferenceInAFile(t *testing.T) {
	t.Parallel()
	got, err := parseWith(t, nil, map[string]string{"SECRET_KEY_FILE": file(t, "awssm://plain\n")}, kept)
	if got.SecretKey != goodSecret || err != nil {
		t.Errorf("got %q, %v", got.SecretKey, err)
	}
}

func TestReferencesToNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ value, want string }{
		"no secret":      {"awssm://none", `secret "none": there is no such secret`},
		"no key":         {"awssm://database#user", `secret "database": has no "user"`},
		"no text":        {"awssm://database#list", `secret "database": has something else than a text or a number as "list"`},
		"empty":          {"awssm://empty", `secret "empty": is empty`},
		"an empty key":   {"awssm://database#none", `secret "database": is empty`},
		"no object":      {"awssm://plain#key", `secret "plain": is no JSON object, in which "key" could be`},
		"no name":        {"awssm://", "after awssm:// comes the name of a secret"},
		"only a key":     {"awssm://#key", "after awssm:// comes the name of a secret"},
		"nothing behind": {"awssm://database#", "after awssm:// comes the name of a secret"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, byVariable := parseWith(t, nil, map[string]string{"ORGANIZER_PASSWORD": test.value}, kept)
			s, byFlag := parseWith(t, []string{"--organizer-password=" + test.value}, nil, kept)
			for _, err := range []error{byVariable, byFlag} {
				if err == nil || !strings.HasPrefix(err.Error(), "ORGANIZER_PASSWORD: "+test.want) {
					t.Fatalf("got %v, want %s", err, test.want)
				}
				if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), goodSecret) {
					t.Errorf("the error has a value: %v", err)
				}
			}
			if s.OrganizerPassword != "" {
				t.Errorf("the setting is %q", s.OrganizerPassword)
			}
		})
	}
}

func TestAReferenceWhereNobodyReadsSecrets(t *testing.T) {
	t.Parallel()
	if _, err := parse(nil, map[string]string{"SECRET_KEY": "awssm://stars"}); err == nil || err.Error() != "SECRET_KEY: secrets cannot be read here" {
		t.Errorf("got %v", err)
	}
}

func TestPasswordsThatDoNotFit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ url, want string }{
		"no URL":         {"", "REDIS_PASSWORD: goes with REDIS_URL; give both or neither"},
		"two passwords":  {"redis://:other@cache", "REDIS_PASSWORD: REDIS_URL has a password as well; keep one"},
		"an empty other": {"redis://:@cache", "REDIS_PASSWORD: REDIS_URL has a password as well; keep one"},
	}
	for name, test := range tests {
		s := with(func(s *Settings) { s.RedisURL, s.RedisPassword = test.url, hunter })
		if err := s.PutPasswords(); err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
	s := with(func(s *Settings) { s.RedisURL, s.RedisPassword = "redis://%zz", hunter })
	if err := errors.Join(s.PutPasswords(), s.Check()); err == nil || !strings.HasPrefix(err.Error(), "REDIS_URL: is no URL") {
		t.Errorf("a bad URL: got %v", err)
	}
}

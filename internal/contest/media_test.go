package contest_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
)

const (
	someToken  = "0123456789abcdef0123456789abcdef"
	otherToken = "ffffffffffffffffffffffffffffffff"
)

func TestMediaKeys(t *testing.T) {
	t.Parallel()
	type keys struct{ Prefix, Original, Clip, Poster string }
	tests := map[string]struct {
		media contest.Media
		want  keys
	}{
		"before processing": {
			contest.Media{Token: someToken, Format: contest.MP4},
			keys{"videos/" + someToken + "/", "videos/" + someToken + "/original.mp4", "", ""},
		},
		"after processing": {
			contest.Media{Token: someToken, Format: contest.MOV, Run: otherToken},
			keys{
				"videos/" + someToken + "/", "videos/" + someToken + "/original.mov",
				"videos/" + someToken + "/" + otherToken + "/clip.mp4", "videos/" + someToken + "/" + otherToken + "/poster.jpg",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := test.media
			if diff := cmp.Diff(test.want, keys{m.KeyPrefix(), m.OriginalKey(), m.RenditionKey(), m.PosterKey()}); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
			for _, key := range []string{m.OriginalKey(), m.RenditionKey(), m.PosterKey()} {
				if key != "" && contest.TokenFromKey(key) != someToken {
					t.Errorf("the token of %s is %q", key, contest.TokenFromKey(key))
				}
			}
		})
	}
}

func TestPart(t *testing.T) {
	t.Parallel()
	m := contest.Media{Token: someToken, Format: contest.MP4, Run: otherToken}
	fresh := contest.Media{Token: someToken, Format: contest.MP4}
	prefix := "videos/" + someToken + "/"
	tests := []struct {
		name  string
		media contest.Media
		key   string
		want  contest.Part
	}{
		{"original", m, prefix + "original.mp4", contest.OriginalPart},
		{"clip", m, prefix + otherToken + "/clip.mp4", contest.RenditionPart},
		{"poster", m, prefix + otherToken + "/poster.jpg", contest.PosterPart},
		{"original of another format", m, prefix + "original.mov", contest.NoPart},
		{"clip of another run", m, prefix + someToken + "/clip.mp4", contest.NoPart},
		{"clip of no run", fresh, prefix + "/clip.mp4", contest.NoPart},
		{"clip before processing", fresh, prefix + otherToken + "/clip.mp4", contest.NoPart},
		{"no key", fresh, "", contest.NoPart},
		{"the prefix", m, prefix, contest.NoPart},
		{"another's", m, "videos/" + otherToken + "/original.mp4", contest.NoPart},
		{"beside", m, prefix + "original.mp4.part", contest.NoPart},
		{"other case", m, strings.ToUpper(prefix) + "original.mp4", contest.NoPart},
		{"no media", contest.Media{}, contest.Media{}.OriginalKey(), contest.NoPart},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := test.media.PartOfKey(test.key); got != test.want {
				t.Errorf("%q: got %d, want %d", test.key, got, test.want)
			}
		})
	}
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		format contest.Format
		part   contest.Part
		want   string
	}{
		{contest.MP4, contest.OriginalPart, "video/mp4"},
		{contest.MOV, contest.OriginalPart, "video/quicktime"},
		{contest.MOV, contest.RenditionPart, "video/mp4"},
		{contest.MOV, contest.PosterPart, "image/jpeg"},
	}
	for _, test := range tests {
		if got := (contest.Media{Format: test.format}).MediaType(test.part); got != test.want {
			t.Errorf("part %d of %s: got %s, want %s", test.part, test.format, got, test.want)
		}
	}
}

func TestTokenOf(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, key, want string }{
		{"original", "videos/" + someToken + "/original.mp4", someToken},
		{"deeper", "videos/" + someToken + "/x/y", someToken},
		{"nothing after the slash", "videos/" + someToken + "/", someToken},
		{"no slash", "videos/" + someToken, ""},
		{"no root", someToken + "/original.mp4", ""},
		{"other root", "video/" + someToken + "/original.mp4", ""},
		{"slash in front", "/videos/" + someToken + "/original.mp4", ""},
		{"two slashes", "videos//" + someToken + "/original.mp4", ""},
		{"upward", "videos/../" + someToken + "/original.mp4", ""},
		{"a digit short", "videos/" + someToken[1:] + "/original.mp4", ""},
		{"a digit long", "videos/" + someToken + "0/original.mp4", ""},
		{"upper case", "videos/" + strings.ToUpper(someToken) + "/original.mp4", ""},
		{"wildcards", "videos/" + strings.Repeat("%", 32) + "/original.mp4", ""},
		{"one digit is none", "videos/0123456789abcdeg0123456789abcdef/original.mp4", ""},
		{"32 bytes, other letters inside", "videos/0123456789abcde\x000123456789abcdef/original.mp4", ""},
		{"empty", "", ""},
		{"root only", "videos/", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := contest.TokenFromKey(test.key); got != test.want {
				t.Errorf("%q: got %q, want %q", test.key, got, test.want)
			}
		})
	}
}

func TestNewToken(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	form := regexp.MustCompile(`^[0-9a-f]{32}$`)
	for range 1000 {
		token := contest.NewMediaToken()
		if !form.MatchString(token) || seen[token] {
			t.Fatalf("token %q, seen before: %t", token, seen[token])
		}
		seen[token] = true
	}
}

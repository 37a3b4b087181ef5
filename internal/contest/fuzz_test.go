package contest_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"risingstars/internal/contest"
)

// A title that is accepted is one line of text that one can see, and stays accepted.
func FuzzTitle(f *testing.F) {
	for _, title := range []string{"Triple", " Ñandú 🏀 ", "", "\u00a0", "a\x00b", "\xff", "\u202e", strings.Repeat("ñ", 256), "e\u0301"} {
		f.Add(title)
	}
	f.Fuzz(func(t *testing.T, text string) {
		title, err := contest.CheckTitle(text)
		if err != nil {
			if _, ok := errors.AsType[*contest.InvalidError](err); !ok {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if title == "" || !utf8.ValidString(title) || utf8.RuneCountInString(title) > contest.MaxTitle ||
			strings.TrimSpace(title) != title || strings.ContainsFunc(title, unicode.IsControl) {
			t.Errorf("%q becomes %q", text, title)
		}
		if again, err := contest.CheckTitle(title); again != title || err != nil {
			t.Errorf("%q becomes %q, %v", title, again, err)
		}
	})
}

// A key that belongs to a video leads nowhere but into its folder.
func FuzzKey(f *testing.F) {
	m := contest.Media{Token: strings.Repeat("0a", 16), Format: contest.MP4, Run: strings.Repeat("1b", 16)}
	for _, key := range []string{
		m.OriginalKey(), m.RenditionKey(), m.PosterKey(), m.KeyPrefix(), "videos/../secret.key", "videos//x", m.KeyPrefix() + "../../risingstars.db", "",
	} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		token := contest.TokenFromKey(key)
		if token != "" && (!strings.HasPrefix(key, contest.MediaKeyPrefix+token+"/") || len(token) != 32) {
			t.Errorf("%q: token %q", key, token)
		}
		own := contest.Media{Token: token, Format: contest.MP4, Run: m.Run}
		if part := own.PartOfKey(key); part != contest.NoPart && (token == "" || strings.Contains(key, "..")) {
			t.Errorf("%q is part %d of a video", key, part)
		}
	})
}

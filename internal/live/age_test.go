package live

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"risingstars/internal/contest"
)

func TestFetchGivesTheLastKnownWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	away := fmt.Errorf("ranking: %w", contest.ErrUnavailable)
	broken := errors.New("broken")
	tests := map[string]struct {
		known bool
		after time.Duration
		err   error
		want  string // "" for the error
		age   string
	}{
		"a moment ago":      {true, 2 * time.Second, away, "1", "2"},
		"minutes ago":       {true, 10 * time.Minute, away, "1", "600"},
		"too long ago":      {true, 10*time.Minute + time.Second, away, "", ""},
		"never":             {false, 2 * time.Second, away, "", ""},
		"it is not away":    {true, 2 * time.Second, broken, "", ""},
		"it answers":        {true, 2 * time.Second, nil, "2", ""},
		"fresh in any case": {true, 0, away, "1", "1"}, // the topic was invalidated, so it is loaded
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newClock()
			l := NewLocal(clock.now)
			var answers counted
			if test.known {
				fetch(t, l, contest.VotesChanged, "x", answers.load)
			}
			l.InvalidateCache(t.Context(), contest.VotesChanged)
			l.forgetAll()
			clock.advance(test.after)

			ctx, age := WithAge(t.Context())
			got, err := l.Fetch(ctx, contest.VotesChanged, "x", func(ctx context.Context) ([]byte, error) {
				if test.err != nil {
					return nil, test.err
				}
				return answers.load(ctx)
			})

			if test.want == "" && !errors.Is(err, test.err) || test.want != "" && err != nil {
				t.Errorf("error: %v", err)
			}
			if string(got) != test.want || age.Header() != test.age {
				t.Errorf("got %q of age %q", got, age.Header())
			}
		})
	}
}

package crowd

import (
	"net/http"
	"testing"
)

func TestCheckAnswers(t *testing.T) {
	t.Parallel()
	pieceOf := func(contentRange string, length int) answer {
		return answer{http.Header{"Content-Range": {contentRange}}, make([]byte, length)}
	}
	cases := map[string]struct {
		check func(answer) error
		a     answer
		want  string
	}{
		"ranking":             {checkRanking, answer{body: []byte(`[{"position":1,"votes":3},{"position":2,"votes":3}]`)}, ""},
		"ranking with a gap":  {checkRanking, answer{body: []byte(`[{"position":1,"votes":3},{"position":3,"votes":3}]`)}, "body: positions are not 1, 2, 3 …"},
		"ranking in disorder": {checkRanking, answer{body: []byte(`[{"position":1,"votes":3},{"position":2,"votes":4}]`)}, "body: the ranking is not by votes"},
		"second vote":         {checkSecondVote, answer{body: []byte(`{"detail":"You have already voted for this video"}`)}, ""},
		"other refusal":       {checkSecondVote, answer{body: []byte(`{"detail":"no"}`)}, "body: another refusal"},
		"piece":               {checkPiece, pieceOf("bytes 0-9/100", 10), ""},
		"cut piece":           {checkPiece, pieceOf("bytes 0-9/100", 9), "body: a piece that is cut"},
		"whole clip":          {checkPiece, pieceOf("bytes 0-99999/100000", 100_000), "body: a piece of another size"},
		"no range":            {checkPiece, pieceOf("", 10), "body: no Content-Range"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := c.check(c.a); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

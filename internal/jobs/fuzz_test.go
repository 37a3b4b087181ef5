package jobs

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"risingstars/internal/contest"
)

// A retry request that names no job reaches River's pages unchanged.
func FuzzRetryRequest(f *testing.F) {
	for _, body := range []string{``, `{}`, `{"ids":[]}`, `{"ids":null,"x":1}`, `[1]`, `{"ids":{}}`, `{"ids":["x"]}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var request retryRequest
		if json.Unmarshal([]byte(body), &request) == nil && len(request.IDs) > 0 {
			return // needs a queue: the tests of the pages cover it
		}
		got := ""
		pages := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			var b strings.Builder
			if err := r.Write(&b); err != nil {
				t.Fatal(err)
			}
			got = b.String()
		})
		(&retries{pages: pages}).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader(body)))
		if !strings.HasSuffix(got, body) {
			t.Errorf("%q went on as %q", body, got)
		}
	})
}

// A job's arguments survive encoding and decoding.
func FuzzJobArguments(f *testing.F) {
	f.Add([]byte(`{"video_id":7}`))
	f.Add([]byte(`{"video_id":-1,"VIDEO_ID":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var args, again contest.ProcessVideo
		if json.Unmarshal(text, &args) != nil {
			return
		}
		written, err := json.Marshal(args)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(written, &again); err != nil || again != args {
			t.Errorf("%s: %+v, %v, want %+v", written, again, err, args)
		}
	})
}

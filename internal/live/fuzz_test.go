package live

import (
	"testing"
	"time"
)

// Any message that another process, or another version, sends through Redis is handled or ignored without a panic.
func FuzzHear(f *testing.F) {
	for _, text := range []string{
		`{"from":"other","event":{"video_id":1,"status":"processing","progress":35}}`, `{"from":"other","forget":"ranking"}`,
		`{"From":"me"}`, `null`, `[]`, `{"event":{"VideoID":1e99}}`, ``,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := &Redis{local: NewLocal(time.Now), origin: "me"}
		watch := r.local.Watch(t.Context(), 1)
		defer watch.Close()

		r.hear(t.Context(), text)

		select {
		case e := <-watch.News():
			if e.VideoID != 1 {
				t.Errorf("%s: heard of %d", text, e.VideoID)
			}
		default:
		}
		RedisReport{Version: text}.Old()
	})
}

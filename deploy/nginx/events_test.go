package nginx_test

import (
	"bufio"
	"net/http"
)

// follow reads a video's events until one has the status, then disconnects.
func (f *front) follow(id, status string) {
	f.Helper()
	found := false
	f.stream(id, func(s string) bool {
		found = s == status
		return !found
	})
	if !found {
		f.Errorf("the stream has ended without %q", status)
	}
}

// following reads a video's event stream to its end and returns the statuses. It calls see for each as it arrives.
func (f *front) following(id string, see func(status string)) (statuses []string) {
	f.Helper()
	f.stream(id, func(s string) bool {
		statuses = append(statuses, s)
		see(s)
		return true
	})
	return statuses
}

func (f *front) stream(id string, each func(status string) (more bool)) {
	f.Helper()
	response, err := f.http.Do(f.request(http.MethodGet, "/api/videos/"+id+"/events", nil))
	check(f, err)
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || kind != "text/event-stream; charset=utf-8" {
		f.Fatalf("got %s %s", response.Status, kind)
	}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if m := eventLine.FindStringSubmatch(lines.Text()); m != nil && !each(m[1]) {
			return
		}
	}
	check(f, lines.Err())
}

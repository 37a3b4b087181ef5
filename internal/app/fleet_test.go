package app_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/store"
	"risingstars/internal/testserver"
)

// fleet is the platform with several processes, which share a database, a Redis and a media folder.
type fleet struct {
	testing.TB
	settings apptest.Settings
	postgres *testserver.Postgres // its own server; nil if it has a database on the shared one
	redis    *testserver.RedisServer
	web      []*program
}

func newFleet(tb testing.TB, webs int) *fleet {
	tb.Helper()
	f := newBase(tb)
	f.serveAll(webs)
	return f
}

// newBase returns a fleet without processes, with a database on the PostgreSQL that the tests share.
func newBase(tb testing.TB) *fleet {
	tb.Helper()
	return newBaseOn(tb, apptest.OnPostgres(tb)["DATABASE_URL"])
}

// newBaseOnItsOwn returns a fleet without processes, with a PostgreSQL of its own that the test may stop and an empty
// database.
func newBaseOnItsOwn(tb testing.TB) *fleet {
	tb.Helper()
	postgres := testserver.NewPostgres(tb)
	f := newBaseOn(tb, postgres.NewDatabase(tb, ""))
	f.postgres = postgres
	return f
}

func newBaseOn(tb testing.TB, databaseURL string) *fleet {
	tb.Helper()
	f := &fleet{TB: tb, redis: testserver.Redis(tb)}
	f.settings = apptest.Settings{
		"DATABASE_URL": databaseURL, "REDIS_URL": f.redis.URL, "STORAGE_URL": "file://" + tb.TempDir(),
		"SECRET_KEY": apptest.SecretKey, "DATABASE_CONNECTIONS": "8", "STOP_GRACE": "5s",
		"PASSWORD_COST": "4", "RATE_LIMIT": "off", "LOG_LEVEL": "debug",
	}
	return f
}

// serveAll starts web processes.
func (f *fleet) serveAll(webs int) {
	f.Helper()
	for range webs {
		f.web = append(f.web, f.serve(testserver.FreeAddr(f), nil))
	}
}

// with returns the fleet's settings merged with others, and a DATA_DIR of the process's own.
func (f *fleet) with(more apptest.Settings) apptest.Settings {
	all := apptest.Settings{"DATA_DIR": f.TempDir()}
	maps.Copy(all, f.settings)
	maps.Copy(all, more)
	return all
}

// serve starts a web process with additional settings.
func (f *fleet) serve(addr string, more apptest.Settings) *program {
	f.Helper()
	all := apptest.Settings{"WORKERS": "0", "LISTEN_ADDR": addr}
	maps.Copy(all, more)
	return serve(f, f.with(all))
}

// work starts a worker with a concurrency of one and waits until it is ready.
func (f *fleet) work(more apptest.Settings) *program {
	f.Helper()
	all := apptest.Settings{"FFMPEG": apptest.SharedRenditions(f)}
	maps.Copy(all, more)
	p := launch(f, f.with(all), "worker", "--concurrency", "1")
	p.logs("msg=ready")
	return p
}

// votes returns the votes in the first row of the ranking, 0 if the ranking is empty.
func votes(tb testing.TB, url string) int {
	tb.Helper()
	var rows []struct{ Votes int }
	must(call(http.MethodGet, url+"/api/public/rankings", "", "", nil, &rows))(tb)
	if len(rows) == 0 {
		return 0
	}
	return rows[0].Votes
}

// A clip passes through a fleet, each step in another process.
func TestFleet(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	one, two := f.web[0].url, f.web[1].url
	ana := newPlayer(t, one, "ana@example.com")
	id := ana.mustUpload(t, one, mediatest.Clip(t, mediatest.Spec{Width: 1280, Height: 720, Moving: true, Seconds: 6}))
	seen := make(chan []int)
	go func() { seen <- ana.follow(t, two, id) }() // ends with the stream
	f.work(apptest.Settings{"FFMPEG": "ffmpeg"})

	progress := <-seen
	if n := len(progress); n < 3 || progress[n-1] != 100 {
		t.Errorf("progress by way of the other web process: got %v", progress)
	}
	ana.publish(t, two, id)
	fan := newPlayer(t, two, "beto@example.com")
	check(t, fan.vote(one, id))
	for _, url := range []string{one, two} {
		testserver.Eventually(t, "the vote shows at "+url, func() bool { return votes(t, url) == 1 })
	}
	if err := fan.vote(two, id); err == nil || !strings.Contains(err.Error(), "already voted") {
		t.Errorf("a second vote by the other process: %v", err)
	}
	body := must(httpClient.Get(*ana.video(t, two, id).ProcessedURL))(t)
	defer body.Body.Close()
	if body.StatusCode != http.StatusOK {
		t.Errorf("the clip: %s", body.Status)
	}
}

// An idle worker is notified of a new video; the log shows after how long. doctor reports no problem in the fleet.
func TestAWorkerHearsOfAVideo(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.work(nil)
	ana := newPlayer(t, f.web[0].url, "ana@example.com")
	for range 3 {
		ana.waitFor(t, f.web[0].url, ana.mustUpload(t, f.web[0].url, mediatest.Clip(t, mediatest.Spec{})), "processed")
	}
	db := must(store.OpenPostgres(f.settings["DATABASE_URL"], 2))(t)
	defer func() { check(t, db.Close()) }()
	var jobs int
	var slowest, median float64
	check(t, db.Readers.QueryRowContext(t.Context(), `
		SELECT count(*), max(ms), percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)
		FROM (SELECT extract(epoch FROM attempted_at - created_at) * 1000 AS ms FROM river_job WHERE state = 'completed') AS waits`,
	).Scan(&jobs, &slowest, &median))
	if jobs != 3 {
		t.Errorf("%d jobs are completed", jobs)
	}
	t.Logf("picked up after %.1f ms, at most %.1f ms", median, slowest)

	out := must(run(t, f.with(apptest.Settings{"LISTEN_ADDR": "127.0.0.1:0"}), "doctor"))(t)
	contains(t, out, "PostgreSQL 1", " ahead of the database's", "redis", "All that the platform needs is there.")
}

// follow reads a video's event stream to its end and returns the progress of each event.
func (p player) follow(tb testing.TB, url string, id int64) (progress []int) {
	tb.Helper()
	request := must(http.NewRequestWithContext(tb.Context(), http.MethodGet, fmt.Sprintf("%s/api/videos/%d/events", url, id), nil))(tb)
	request.Header.Set("Authorization", "Bearer "+p.token)
	answer, err := httpClient.Do(request)
	if err != nil {
		tb.Errorf("follow: %v", err)
		return nil
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var e struct{ Progress int }
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				tb.Errorf("event %q: %v", data, err)
			}
			progress = append(progress, e.Progress)
		}
	}
	return progress
}

func TestAWorkerIsTakenOver(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	gate := apptest.NewGate(t) // it stays closed, so the first worker makes no progress
	first := f.work(apptest.Settings{"FFMPEG": gate.FFmpeg})
	ana := newPlayer(t, f.web[0].url, "ana@example.com")
	id := ana.mustUpload(t, f.web[0].url, mediatest.Clip(t, mediatest.Spec{}))
	testserver.Eventually(t, "FFmpeg runs", func() bool { return len(gate.Arrived(t)) == 1 })

	first.kill()
	f.work(nil)

	testserver.Eventually(t, "the other worker has done it", func() bool {
		return ana.video(t, f.web[0].url, id).Status == "processed"
	})
}

func TestAWorkerHandsItsJobBack(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	gate := apptest.NewGate(t)
	first := f.work(apptest.Settings{"FFMPEG": gate.FFmpeg, "STOP_GRACE": "100ms"})
	ana := newPlayer(t, f.web[0].url, "ana@example.com")
	id := ana.mustUpload(t, f.web[0].url, mediatest.Clip(t, mediatest.Spec{}))
	testserver.Eventually(t, "FFmpeg runs", func() bool { return len(gate.Arrived(t)) == 1 })

	first.signal(syscall.SIGTERM)
	if diff := cmp.Diff(0, first.wait()); diff != "" {
		t.Errorf("exit code (-want +got):\n%s", diff)
	}
	f.work(nil)

	ana.waitFor(t, f.web[0].url, id, "processed")
}

// crowdLoad sends reads and votes until it is stopped.
type crowdLoad struct {
	mu       sync.Mutex
	statuses map[int]int
	broken   []string
	voted    []player // voters whose vote was acknowledged
	end      chan struct{}
	done     sync.WaitGroup
}

// load starts a load: readers on all URLs, and voters that have signed up before.
func (f *fleet) load(id int64, voters []player, urls ...string) *crowdLoad {
	f.Helper()
	l := &crowdLoad{statuses: map[int]int{}, end: make(chan struct{})}
	for i, url := range urls {
		for _, path := range []string{"/api/public/rankings", "/api/public/videos"} {
			l.done.Go(func() { l.repeat(func() { l.note(call(http.MethodGet, url+path, "", "", nil, nil)) }) })
		}
		mine := voters[i*len(voters)/len(urls) : (i+1)*len(voters)/len(urls)]
		l.done.Go(func() {
			l.repeat(func() {
				if len(mine) == 0 {
					return
				}
				status, err := call(http.MethodPost, fmt.Sprintf("%s/api/public/videos/%d/vote", url, id), mine[0].token, "", nil, nil)
				l.note(status, err)
				if status == http.StatusOK {
					l.mu.Lock()
					l.voted = append(l.voted, mine[0])
					l.mu.Unlock()
				}
				if status != http.StatusServiceUnavailable {
					mine = mine[1:]
				}
			})
		})
	}
	return l
}

func (l *crowdLoad) repeat(do func()) {
	for {
		select {
		case <-l.end:
			return
		default:
			do()
		}
	}
}

func (l *crowdLoad) note(status int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statuses[status]++
	if status == 0 {
		l.broken = append(l.broken, err.Error())
	}
}

// answered waits for more answers with a status.
func (l *crowdLoad) answered(tb testing.TB, status, more int) {
	tb.Helper()
	count := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.statuses[status]
	}
	before := count()
	testserver.Eventually(tb, fmt.Sprintf("%d more answers of %d", more, status), func() bool { return count() >= before+more })
}

// counted waits for more acknowledged votes.
func (l *crowdLoad) counted(tb testing.TB, more int) {
	tb.Helper()
	count := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.voted)
	}
	before := count()
	testserver.Eventually(tb, fmt.Sprintf("%d more votes", more), func() bool { return count() >= before+more })
}

func (l *crowdLoad) stop() {
	close(l.end)
	l.done.Wait()
}

// publicVideo makes a public video and signs up voters.
func (f *fleet) publicVideo(voters int) (star player, id int64, people []player) {
	f.Helper()
	url := f.web[0].url
	star = newPlayer(f, url, "star@example.com")
	id = star.mustUpload(f, url, mediatest.Clip(f, mediatest.Spec{}))
	f.markProcessed()
	star.publish(f, url, id)
	f.putClip(star, url, id)
	for i := range voters {
		people = append(people, newPlayer(f, url, fmt.Sprintf("fan%d@example.com", i)))
	}
	return star, id, people
}

// markProcessed sets the status of all videos to processed in the database, without their files.
func (f *fleet) markProcessed() {
	f.Helper()
	db := must(store.OpenPostgres(f.settings["DATABASE_URL"], 2))(f)
	_, err := db.Writer.ExecContext(f.Context(), `UPDATE videos SET status = 'processed', run = 'x'`)
	check(f, errors.Join(err, db.Close()))
}

// putClip puts a clip at the path of a rendition that was only marked as processed, and returns its URL at a server.
func (f *fleet) putClip(owner player, url string, id int64) string {
	f.Helper()
	address := *owner.video(f, url, id).ProcessedURL
	_, key, _ := strings.Cut(address, "/media/")
	path := filepath.Join(strings.TrimPrefix(f.settings["STORAGE_URL"], "file://"), key)
	check(f, errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("a clip"), 0o600)))
	return address
}

// logged waits until all web processes have logged a text.
func (f *fleet) logged(text string) {
	f.Helper()
	for _, p := range f.web {
		p.logs(text)
	}
}

func TestNoRequestFailsForRedis(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	_, id, people := f.publicVideo(200)
	load := f.load(id, people, f.web[0].url, f.web[1].url)
	const some = 200
	load.answered(t, http.StatusOK, some)

	f.redis.Stop()
	f.logged("redis does not answer")
	load.answered(t, http.StatusOK, some)
	f.redis.Start()
	f.logged("redis answers again")
	load.answered(t, http.StatusOK, some)
	f.redis.Signal(syscall.SIGSTOP)
	load.answered(t, http.StatusOK, some)
	f.redis.Signal(syscall.SIGCONT)
	load.answered(t, http.StatusOK, some)
	load.stop()

	for status, n := range load.statuses {
		if status != http.StatusOK {
			t.Errorf("%d answers of %d", n, status)
		}
	}
	if len(load.broken) > 0 {
		t.Errorf("requests that broke: %q", load.broken[0])
	}
	for _, p := range f.web {
		testserver.Eventually(t, "all votes show", func() bool { return votes(t, p.url) == len(load.voted) })
	}
}

// While the database is unavailable, requests get a 503, and no acknowledged vote is lost.
func TestDatabaseRestart(t *testing.T) {
	t.Parallel()
	f := newBaseOnItsOwn(t)
	f.serveAll(2)
	_, id, people := f.publicVideo(300)
	load := f.load(id, people, f.web[0].url, f.web[1].url)
	load.counted(t, 20)

	f.postgres.Stop(syscall.SIGINT)
	load.answered(t, http.StatusServiceUnavailable, 50)
	f.postgres.Start(t)
	load.counted(t, 20)
	f.postgres.Kill()
	load.answered(t, http.StatusServiceUnavailable, 50)
	f.postgres.Start(t)
	load.counted(t, 20)
	load.stop()

	for status, n := range load.statuses {
		switch status {
		case http.StatusOK, http.StatusServiceUnavailable:
		case http.StatusBadRequest: // voted already: the first answer was lost, the vote was not
		default:
			t.Errorf("%d answers of %d", n, status)
		}
	}
	t.Logf("answers by status: %v, %d votes were acknowledged", load.statuses, len(load.voted))
	for _, fan := range load.voted {
		if err := fan.vote(f.web[0].url, id); err == nil || !strings.Contains(err.Error(), "already voted") {
			t.Errorf("the vote of %s is lost: %v", fan.email, err)
		}
	}
}

// Behind nginx, web processes are restarted one after the other under load, and no request fails.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	addrs := []string{strings.TrimPrefix(f.web[0].url, "http://"), strings.TrimPrefix(f.web[1].url, "http://")}
	front := testserver.Nginx(t, "", addrs[0]+" max_fails=3 fail_timeout=2s", addrs[1]+" max_fails=3 fail_timeout=2s")
	clients := []*http.Client{front.Client(true), front.Client(false)}
	load := &crowdLoad{statuses: map[int]int{}, end: make(chan struct{})}
	for _, c := range clients {
		for _, path := range []string{"/api/public/rankings", "/api/public/videos", "/healthz"} {
			load.done.Go(func() {
				load.repeat(func() {
					answer, err := c.Get(front.URL + path)
					status := 0
					if err == nil {
						_, err = io.Copy(io.Discard, answer.Body)
						status = answer.StatusCode
						_ = answer.Body.Close()
					}
					if err != nil {
						status = 0
					}
					load.note(status, err)
				})
			})
		}
	}
	load.answered(t, http.StatusOK, 100)
	for i, p := range f.web {
		p.signal(syscall.SIGTERM)
		if diff := cmp.Diff(0, p.wait()); diff != "" {
			t.Errorf("exit code (-want +got):\n%s", diff)
		}
		load.answered(t, http.StatusOK, 100)
		f.web[i] = f.serve(addrs[i], nil)
		f.web[i].logs("path=/api/public/rankings") // nginx uses it again
		load.answered(t, http.StatusOK, 100)
	}
	load.stop()

	for status, n := range load.statuses {
		if status != http.StatusOK && status != http.StatusTooManyRequests {
			t.Errorf("%d answers of %d", n, status)
		}
	}
	if len(load.broken) > 0 {
		t.Errorf("requests that broke: %q", load.broken)
	}
}

// Ten concurrent uploads of 100 MiB through nginx grow the memory of two web processes by less than 64 MiB together.
func TestFleetUploadMemory(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	front := testserver.Nginx(t, "", strings.TrimPrefix(f.web[0].url, "http://"), strings.TrimPrefix(f.web[1].url, "http://"))
	ana := newPlayer(t, f.web[0].url, "ana@example.com")
	clip := enlarged(t, mediatest.Clip(t, mediatest.Spec{}), 100<<20)
	before := f.peakMemory()

	var uploads sync.WaitGroup
	for range 10 {
		uploads.Go(func() {
			if status, body := ana.uploadLarge(t, front.Client(false), front.URL, clip); status != http.StatusCreated {
				t.Errorf("got %d: %s", status, body)
			}
		})
	}
	uploads.Wait()

	grown := f.peakMemory() - before
	t.Logf("peak memory grew by %d KiB", grown>>10)
	if grown > 64<<20 {
		t.Errorf("peak memory grew by %d MiB", grown>>20)
	}
}

// enlarged copies an MP4 file and appends a box that players skip (ISO/IEC 14496-12, "free").
func enlarged(tb testing.TB, path string, size int64) string {
	tb.Helper()
	data := must(os.ReadFile(path))(tb)
	free := make([]byte, size-int64(len(data)))
	for i := range 4 {
		free[i] = byte(len(free) >> (24 - 8*i))
	}
	copy(free[4:], "free")
	larger := filepath.Join(tb.TempDir(), "large.mp4")
	check(tb, os.WriteFile(larger, append(data, free...), 0o600))
	return larger
}

// uploadLarge sends a file without reading it into memory.
func (p player) uploadLarge(tb testing.TB, client *http.Client, url, path string) (status int, body string) {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Error(err)
		return 0, ""
	}
	defer file.Close()
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	_ = form.WriteField("title", "Triple")
	_, _ = form.CreateFormFile("video_file", "clip.mp4")
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	stat, err := file.Stat()
	if err != nil {
		tb.Error(err)
		return 0, ""
	}
	length := int64(head.Len()) + stat.Size() + int64(len(tail))
	request, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, url+"/api/videos/upload", io.MultiReader(&head, file, strings.NewReader(tail)))
	if err != nil {
		tb.Error(err)
		return 0, ""
	}
	request.ContentLength = length
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("Authorization", "Bearer "+p.token)
	answer, err := client.Do(request)
	if err != nil {
		tb.Error(err)
		return 0, ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		tb.Error(err)
	}
	return answer.StatusCode, string(text)
}

// peakMemory returns the sum of the web processes' peak memory in bytes.
func (f *fleet) peakMemory() (sum int64) {
	f.Helper()
	for _, p := range f.web {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		if err != nil {
			f.Skip("needs Linux's /proc")
		}
		for line := range strings.Lines(string(text)) {
			var kib int64
			if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
				sum += kib << 10
			}
		}
	}
	return sum
}

// The Postman collection, which has every call of the API, valid and invalid, against PostgreSQL, Redis and S3 behind
// nginx, with two web processes and two workers.
func TestFleetServesTheCollection(t *testing.T) {
	t.Parallel()
	newman := must(filepath.Abs("../../collections/node_modules/.bin/newman"))(t)
	if _, err := os.Stat(newman); err != nil {
		if os.Getenv("CI") == "" {
			t.Skip("Newman is not installed")
		}
		t.Fatal(err)
	}
	f := newBase(t)
	maps.Copy(f.settings, onS3(testserver.NewS3(t), "&serve=proxy")) // without the proxy, S3 answers some of the erroneous requests itself
	metrics := testserver.FreeAddr(t)
	var addrs []string
	for _, more := range []apptest.Settings{{"METRICS_ADDR": metrics}, {"METRICS_ADDR": "127.0.0.1:0"}} {
		addr := testserver.FreeAddr(t)
		more["TRUSTED_PROXIES"] = "127.0.0.1"
		f.web = append(f.web, f.serve(addr, more))
		addrs = append(addrs, addr)
	}
	front := testserver.Nginx(t, "", addrs...)
	f.work(nil)
	f.work(nil)

	run := exec.CommandContext(t.Context(), "../../scripts/newman", front.URL, "--insecure",
		"--env-var", "metrics_url=http://"+metrics+"/metrics")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

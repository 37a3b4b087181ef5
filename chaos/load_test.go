package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"risingstars/internal/media/mediatest"
	"risingstars/internal/testkit/history"
	"risingstars/internal/testserver"
)

const (
	stars   = 2
	fans    = 4
	readers = 2

	inAll  = 4 // unfinished videos that one star may have
	secret = "salto-y-canasta"
)

// client has a timeout for processes that hang.
var client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

// load is the simulated users, and the answers that they got.
type load struct {
	*world
	seed    uint64
	history history.Recorder
	clips   [][]byte
	stars   []person
	done    sync.WaitGroup

	mu       sync.Mutex
	statuses map[int]int
	slowest  time.Duration
	wrong    []string // unexpected answers
	public   []int64
}

type person struct{ email, token string }

func newLoad(w *world, seed uint64) *load {
	w.Helper()
	l := &load{world: w, seed: seed, statuses: map[int]int{}}
	for _, frames := range []int{15, 45} {
		data, err := os.ReadFile(mediatest.Clip(w, mediatest.Spec{Width: 640, Height: 360, Moving: true, Frames: frames}))
		if err != nil {
			w.Fatal(err)
		}
		l.clips = append(l.clips, data)
	}
	random := l.random(0)
	for i := range stars {
		p, ok := l.signUp(w.Context(), random, "Star", fmt.Sprint(i), starEmail(i))
		if !ok {
			w.Fatal("nobody can sign up before any fault")
		}
		l.stars = append(l.stars, p)
	}
	return l
}

func starEmail(i int) string { return fmt.Sprintf("star%d@example.com", i) }

func (l *load) random(who int) *rand.Rand { return rand.New(rand.NewPCG(l.seed, 100+uint64(who))) }

// begin starts all users, who act until ctx ends; wait waits for them.
func (l *load) begin(ctx context.Context) {
	act := func(who int, do func(ctx context.Context, random *rand.Rand, n int)) {
		random := l.random(who)
		l.done.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				do(context.WithoutCancel(ctx), random, n) // an action that has begun is completed
				pause(ctx, between(random, 20*time.Millisecond, 400*time.Millisecond))
			}
		})
	}
	for i := range stars {
		act(1+i, func(ctx context.Context, random *rand.Rand, n int) { l.beStar(ctx, random, i, n) })
	}
	for i := range fans {
		act(10+i, func(ctx context.Context, random *rand.Rand, n int) { l.beFan(ctx, random, i, n) })
	}
	for i := range readers {
		act(20+i, func(ctx context.Context, random *rand.Rand, _ int) {
			paths := []string{"/api/public/rankings", "/api/public/videos", "/", "/ranking"}
			l.ask(ctx, random, request{method: http.MethodGet, path: paths[random.IntN(len(paths))]})
		})
	}
}

func (l *load) wait() { l.done.Wait() }

// beStar uploads, completely and truncated, and publishes or deletes what has been processed.
func (l *load) beStar(ctx context.Context, random *rand.Rand, i, n int) {
	star := l.stars[i]
	videos, ok := l.videosOf(ctx, random, star)
	if !ok {
		return
	}
	under := 0
	for _, v := range videos {
		switch v.Status {
		case "uploaded", "processing":
			under++
		case "processed":
			if random.IntN(6) == 0 {
				l.delete(ctx, random, star, v)
			} else {
				l.publish(ctx, random, star, v.ID)
			}
			return
		}
	}
	if under >= inAll {
		return
	}
	title := fmt.Sprintf("Triple %d-%d", i, n)
	if random.IntN(3) == 0 {
		l.uploadInPieces(ctx, random, star, title)
	} else {
		l.upload(ctx, random, star, title)
	}
}

// warmUp publishes videos that the fans can vote for, before any fault.
func (l *load) warmUp() {
	l.Helper()
	random, ctx := l.random(50), l.Context()
	for i, star := range l.stars {
		l.upload(ctx, random, star, fmt.Sprintf("The first of %d", i))
		testserver.EventuallyMoving(l, "a video is processed before any fault", func() (progress int, done bool) {
			videos, _ := l.videosOf(ctx, random, star)
			for _, v := range videos {
				if v.Status == "processed" {
					l.publish(ctx, random, star, v.ID)
					return progress, true
				}
			}
			if len(videos) == 0 { // the first upload was truncated
				l.upload(ctx, random, star, fmt.Sprintf("The first of %d, at %s", i, time.Now().Format(time.StampMicro)))
			}
			return l.count(`SELECT COALESCE(sum(beat), 0) FROM videos`), false
		})
	}
}

// beFan signs up, votes, votes again, and withdraws votes.
func (l *load) beFan(ctx context.Context, random *rand.Rand, i, n int) {
	fan, ok := l.signUp(ctx, random, "Fan", fmt.Sprint(i), fmt.Sprintf("fan%d-%d@example.com", i, n))
	if !ok {
		return
	}
	for range 1 + random.IntN(4) {
		id := l.anyPublic(random)
		if id == 0 {
			return
		}
		method := http.MethodPost
		if random.IntN(4) == 0 {
			method = http.MethodDelete
		}
		l.vote(ctx, random, method, fan, id)
	}
}

func (l *load) anyPublic(random *rand.Rand) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.public) == 0 {
		return 0
	}
	return l.public[random.IntN(len(l.public))]
}

func (l *load) signUp(ctx context.Context, random *rand.Rand, first, last, email string) (person, bool) {
	answer := l.ask(ctx, random, request{method: http.MethodPost, path: "/api/auth/signup", body: asJSON(map[string]string{
		"first_name": first, "last_name": last, "email": email, "password1": secret, "password2": secret,
	})})
	l.history.Add(history.Operation{Action: history.SignUp, Account: email, Outcome: answer.outcome()})
	if answer.status != http.StatusCreated {
		return person{}, false
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	for range 3 {
		answer = l.ask(ctx, random, request{method: http.MethodPost, path: "/api/auth/login",
			body: asJSON(map[string]string{"email": email, "password": secret})})
		if answer.status == http.StatusOK && json.Unmarshal(answer.body, &token) == nil {
			return person{email, token.AccessToken}, true
		}
		if answer.status == http.StatusUnauthorized {
			l.report("the account of %s, which was acknowledged, cannot sign in", email)
		}
	}
	return person{}, false
}

func (l *load) videosOf(ctx context.Context, random *rand.Rand, p person) (list []video, ok bool) {
	answer := l.ask(ctx, random, request{method: http.MethodGet, path: "/api/videos", token: p.token})
	return list, answer.status == http.StatusOK && json.Unmarshal(answer.body, &list) == nil
}

// upload sends a clip. One in four is truncated at a random byte.
func (l *load) upload(ctx context.Context, random *rand.Rand, p person, title string) {
	clip := l.clips[random.IntN(len(l.clips))]
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("video_file", "clip.mp4")
	if err == nil {
		_, err = part.Write(clip)
	}
	if err = errors.Join(err, w.WriteField("title", title), w.Close()); err != nil {
		panic(err) // in memory
	}
	r := request{method: http.MethodPost, path: "/api/videos/upload", token: p.token, contentType: w.FormDataContentType(), body: form.Bytes()}
	cut := random.IntN(4) == 0
	if cut {
		r.cut = random.IntN(form.Len() - 2) // before the end of the last boundary
	}
	answer := l.ask(ctx, random, r)
	o := history.Operation{Action: history.Upload, Account: p.email, Title: title, Content: fingerprint(clip), Outcome: answer.outcome()}
	if cut && o.Outcome == history.Unknown {
		o.Outcome = history.Refused // a truncated upload cannot be accepted
	}
	var entered struct {
		VideoID int64 `json:"video_id"`
	}
	if o.Outcome == history.Acknowledged {
		if err := json.Unmarshal(answer.body, &entered); err != nil {
			l.report("upload: %d with %q", answer.status, answer.body)
		}
		o.VideoID = entered.VideoID
	}
	l.history.Add(o)
}

func (l *load) publish(ctx context.Context, random *rand.Rand, p person, id int64) {
	answer := l.ask(ctx, random, request{method: http.MethodPost, path: fmt.Sprintf("/api/videos/%d/publish", id), token: p.token})
	l.history.Add(history.Operation{Action: history.Publish, Account: p.email, VideoID: id, Outcome: answer.outcome()})
	if answer.status == http.StatusOK {
		l.mu.Lock()
		l.public = append(l.public, id)
		l.mu.Unlock()
	}
}

func (l *load) delete(ctx context.Context, random *rand.Rand, p person, v video) {
	answer := l.ask(ctx, random, request{method: http.MethodDelete, path: fmt.Sprintf("/api/videos/%d", v.ID), token: p.token})
	l.history.Add(history.Operation{Action: history.Delete, Account: p.email, Title: v.Title, VideoID: v.ID, Outcome: answer.outcome()})
}

func (l *load) vote(ctx context.Context, random *rand.Rand, method string, p person, id int64) {
	answer := l.ask(ctx, random, request{method: method, path: fmt.Sprintf("/api/public/videos/%d/vote", id), token: p.token})
	o := history.Operation{Action: history.Vote, Account: p.email, VideoID: id, Outcome: answer.outcome()}
	if method == http.MethodDelete {
		o.Action, o.AlreadyDone = history.WithdrawVote, answer.status == http.StatusNotFound
	} else {
		o.AlreadyDone = strings.Contains(string(answer.body), "already voted")
	}
	l.history.Add(o)
}

type request struct {
	method, path, token, contentType string
	body                             []byte
	cut                              int    // truncate the body after this many bytes, if > 0
	base                             string // the process to send the request to; "" for any
	header                           map[string]string
}

type answer struct {
	status int // 0 without an answer
	header http.Header
	body   []byte
}

func (a answer) outcome() history.Outcome { return history.OutcomeOf(a.status) }

// ask sends a request to one of the web processes, and records the answer.
func (l *load) ask(ctx context.Context, random *rand.Rand, r request) answer {
	var body io.Reader = bytes.NewReader(r.body)
	if r.cut > 0 {
		body = io.MultiReader(bytes.NewReader(r.body[:r.cut]), broken{})
	}
	if r.base == "" {
		r.base = l.anyURL(random)
	}
	sent, err := http.NewRequestWithContext(ctx, r.method, r.base+r.path, body)
	if err != nil {
		panic(err) // fixed forms
	}
	sent.ContentLength = int64(len(r.body))
	sent.Header.Set("Content-Type", "application/json")
	if r.contentType != "" {
		sent.Header.Set("Content-Type", r.contentType)
	}
	if r.token != "" {
		sent.Header.Set("Authorization", "Bearer "+r.token)
	}
	for name, value := range r.header {
		sent.Header.Set(name, value)
	}
	if r.path == "/" || r.path == "/ranking" {
		sent.Header.Set("Accept", "text/html")
	}
	began := time.Now()
	got, err := client.Do(sent)
	if err != nil {
		l.note(r, answer{}, 0)
		return answer{}
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		l.note(r, answer{}, 0)
		return answer{}
	}
	a := answer{got.StatusCode, got.Header, text}
	l.note(r, a, time.Since(began))
	return a
}

func (l *load) anyURL(random *rand.Rand) string { return l.urls[random.IntN(len(l.urls))] }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("cut") }

// note counts an answer, and records unexpected ones.
func (l *load) note(r request, a answer, took time.Duration) {
	l.mu.Lock()
	l.statuses[a.status]++
	if a.status == http.StatusServiceUnavailable {
		l.slowest = max(l.slowest, took)
	}
	l.mu.Unlock()
	switch {
	case a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "":
		l.report("%s %s: 503 without Retry-After", r.method, r.path)
	case a.status == http.StatusInternalServerError:
		l.report("%s %s: %s", r.method, r.path, strings.TrimSpace(string(a.body)))
	}
}

func (l *load) report(format string, values ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, fmt.Sprintf(format, values...))
}

func asJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // cannot fail for plain values
	}
	return text
}

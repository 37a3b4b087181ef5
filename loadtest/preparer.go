package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"risingstars/internal/testkit/history"
	"risingstars/loadtest/crowd"
	"risingstars/loadtest/journal"
)

// password is the password of every account.
const password = "salto-y-canasta"

// preparer creates the accounts and public videos of a run through the HTTP API. It records what the platform acknowledges,
// so the check after the run covers them too.
type preparer struct {
	*target
	url      string // of a web process, without nginx and its limits
	client   *http.Client
	recorder history.Recorder
}

func newPreparer(t *target) *preparer {
	p := &preparer{target: t, url: t.webURLs[0], client: &http.Client{
		Timeout: 10 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: preparedAtOnce},
	}}
	t.Cleanup(p.client.CloseIdleConnections)
	return p
}

// preparedAtOnce is how many accounts are created at once. More would wait, because the platform hashes few passwords at once.
const preparedAtOnce = 4

// signUpAll creates accounts, and signs them in if they need tokens.
func (p *preparer) signUpAll(kind string, n int, tokens bool) []crowd.Account {
	accounts := make([]crowd.Account, n)
	p.requireNoError(runInParallel(n, func(i int) (err error) {
		accounts[i].Email = fmt.Sprintf("%s%d@example.com", kind, i+1)
		if err = p.signUpAccount(i, accounts[i].Email); err == nil && tokens {
			accounts[i].Token, err = p.logInAccount(accounts[i].Email)
		}
		return err
	}), "sign up")
	return accounts
}

// runInParallel calls do for 0 to n-1, a few at once, until the first error.
func runInParallel(n int, do func(i int) error) error {
	var next atomic.Int64
	var group errgroup.Group
	for range preparedAtOnce {
		group.Go(func() error {
			for {
				i := int(next.Add(1) - 1)
				if i >= n {
					return nil
				}
				if err := do(i); err != nil {
					next.Store(int64(n))
					return err
				}
			}
		})
	}
	return group.Wait()
}

func (p *preparer) signUpAccount(number int, email string) error {
	_, err := p.postJSON("/api/auth/signup", "", http.StatusCreated, map[string]string{
		"first_name": "Valentina", "last_name": fmt.Sprintf("Ríos %d", number+1), "email": email, "city": fmt.Sprintf("Ciudad %d", number%50),
		"password1": password, "password2": password,
	})
	if err == nil {
		p.recorder.Add(history.Operation{Action: history.SignUp, Account: email, Outcome: history.Acknowledged})
	}
	return err
}

func (p *preparer) logInAccount(email string) (token string, err error) {
	text, err := p.postJSON("/api/auth/login", "", http.StatusOK, map[string]string{"email": email, "password": password})
	if err != nil {
		return "", err
	}
	var answer struct {
		Token string `json:"access_token"`
	}
	err = json.Unmarshal(text, &answer)
	return answer.Token, err
}

// publishVideos creates players with one public video each, and returns the ids of the videos.
func (p *preparer) publishVideos(n int, clip string) []int64 {
	content, err := os.ReadFile(clip)
	p.requireNoError(err, "read a clip")
	ids := make([]int64, n)
	owners := p.signUpAll("star", n, true)
	for i, owner := range owners {
		ids[i] = p.uploadClip(owner, fmt.Sprintf("Triple desde la esquina, el %d", i+1), content)
	}
	for i, owner := range owners {
		p.waitUntilProcessed(owner, ids[i])
		_, err := p.postJSON(fmt.Sprintf("/api/videos/%d/publish", ids[i]), owner.Token, http.StatusOK, nil)
		p.requireNoError(err, "publish a video")
		p.recorder.Add(history.Operation{Action: history.Publish, Account: owner.Email, VideoID: ids[i], Outcome: history.Acknowledged})
	}
	return ids
}

// uploadClip sends a clip and records it.
func (p *preparer) uploadClip(owner crowd.Account, title string, clip []byte) (videoID int64) {
	text, err := postClip(p.ctx, p.client, p.url+"/api/videos/upload", owner.Token, title, clip)
	p.requireNoError(err, "upload a clip")
	var answer struct {
		VideoID int64 `json:"video_id"`
	}
	p.requireNoError(json.Unmarshal(text, &answer), "upload a clip")
	p.recorder.Add(history.Operation{
		Action: history.Upload, Account: owner.Email, Title: title, VideoID: answer.VideoID, Outcome: history.Acknowledged,
		Content: journal.Fingerprint(int64(len(clip)), string(clip[len(clip)-journal.MarkBytes:])),
	})
	return answer.VideoID
}

// waitUntilProcessed waits without a deadline: the platform itself ends processing that makes no progress.
func (p *preparer) waitUntilProcessed(owner crowd.Account, videoID int64) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := p.requestWithRetry(http.MethodGet, fmt.Sprintf("/api/videos/%d", videoID), owner.Token, http.StatusOK, nil)
		p.requireNoError(err, "read a video")
		var video struct {
			Status  string `json:"status"`
			Failure string `json:"failure_reason"`
		}
		p.requireNoError(json.Unmarshal(text, &video), "read a video")
		switch video.Status {
		case "processed":
			return
		case "failed":
			p.Fatalf("video %d has failed: %s", videoID, video.Failure)
		}
		select {
		case <-tick.C:
		case <-p.ctx.Done():
			p.Fatal(context.Cause(p.ctx))
		}
	}
}

func (p *preparer) postJSON(path, token string, status int, body any) ([]byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return p.requestWithRetry(http.MethodPost, path, token, status, text)
}

// requestWithRetry sends a request and returns the body of the answer, whose status must be the wanted one. After 429 and
// 503 it sends the request again when Retry-After has passed.
func (p *preparer) requestWithRetry(method, path, token string, wanted int, body []byte) ([]byte, error) {
	for {
		status, header, text, err := sendRequest(p.ctx, p.client, method, p.url+path, token, body)
		if err != nil {
			return nil, err
		}
		switch status {
		case wanted:
			return text, nil
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			seconds, _ := strconv.Atoi(header.Get("Retry-After")) // at once without the header
			select {
			case <-time.After(time.Duration(seconds) * time.Second):
			case <-p.ctx.Done():
				return nil, context.Cause(p.ctx)
			}
		default:
			return nil, fmt.Errorf("%s %s: status %d: %s", method, path, status, text)
		}
	}
}

func sendRequest(ctx context.Context, client *http.Client, method, url, token string, body []byte) (
	status int, header http.Header, text []byte, err error,
) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err = io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header, text, err
}

// postClip uploads a clip and returns the body of the answer, whose status must be 201.
func postClip(ctx context.Context, client *http.Client, url, token, title string, clip []byte) ([]byte, error) {
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	_ = form.WriteField("title", title) // a buffer returns no error
	_, _ = form.CreateFormFile("video_file", "clip.mp4")
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	length := int64(head.Len() + len(clip) + len(tail))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url,
		io.MultiReader(&head, bytes.NewReader(clip), bytes.NewReader([]byte(tail))))
	if err != nil {
		return nil, err
	}
	r.ContentLength = length
	r.Header.Set("Content-Type", form.FormDataContentType())
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusCreated {
		err = fmt.Errorf("%s: %s", answer.Status, text)
	}
	return text, err
}

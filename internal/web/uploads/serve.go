package uploads

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"

	"risingstars/internal/contest"
	"risingstars/internal/web/lang"
	"risingstars/internal/web/limit"
	"risingstars/internal/web/problem"
)

// call is what the tus hooks need to know of the request that they belong to.
type call struct {
	player contest.Player
	upload contest.PartialUpload // zero while the upload is being created
	scope  *problem.Scope
	tag    lang.Tag
}

type callKey struct{}

const tusVersion = "1.0.0"

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// refuse turns err into a problem, in the form in which the tus handler sends it.
func (c *call) refuse(err error) handler.Error {
	p := problem.FromError(err, c.scope, c.tag)
	body, encode := json.Marshal(p)
	if encode != nil {
		panic(encode) // strings and numbers only
	}
	header := handler.HTTPHeader{"Content-Type": problem.MediaType, "Cache-Control": "no-store"}
	for name := range p.GetHeaders() {
		header[name] = p.GetHeaders().Get(name)
	}
	return handler.Error{
		ErrorCode: "ERR_REFUSED", Message: p.Detail,
		HTTPResponse: handler.HTTPResponse{StatusCode: p.Status, Body: string(body), Header: header},
	}
}

// methods are the allowed methods of the protocol: of Path (false), and of one upload (true).
var methods = map[bool][]string{
	false: {http.MethodPost, http.MethodOptions},
	true:  {http.MethodHead, http.MethodPatch, http.MethodDelete, http.MethodOptions},
}

// ServeHTTP lets players create, continue and terminate their own uploads. Other players' uploads are answered with
// 404.
func (u *Uploads) ServeHTTP(w http.ResponseWriter, r *http.Request) { u.drained.ServeHTTP(w, r) }

func (u *Uploads) serve(w http.ResponseWriter, r *http.Request) {
	id := strings.Trim(strings.TrimPrefix(r.URL.Path, Path), "/")
	if allow := methods[id != ""]; !slices.Contains(allow, r.Method) {
		tag := lang.PreferredLanguage(r.Header.Get("Accept-Language"))
		problem.WriteProblem(w, r, problem.ProblemForStatus(http.StatusMethodNotAllowed, strings.Join(allow, ", "), tag))
		return
	}
	player, err := u.Caller(w, r)
	if err != nil {
		problem.WriteProblem(w, r, err)
		return
	}
	c := &call{player: player, scope: problem.ScopeFromContext(r.Context()), tag: lang.PreferredLanguage(r.Header.Get("Accept-Language"))}
	if id != "" {
		if c.upload, err = u.own(r.Context(), player, id); err != nil {
			problem.WriteProblem(w, r, err)
			return
		}
	}
	r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
	if r.Header.Get("X-HTTP-Method-Override") != "" {
		problem.WriteProblem(w, r, problem.ProblemForStatus(http.StatusMethodNotAllowed, "", c.tag))
		return
	}
	if c.upload.ID != "" && (r.Method == http.MethodHead || r.Method == http.MethodPatch) {
		if err := u.settle(r.Context(), c); err != nil {
			problem.WriteProblem(w, r, err)
			return
		}
	}
	if c.upload.VideoID != 0 {
		u.finished(w, r, c)
		return
	}
	if r.Method == http.MethodPost || r.Method == http.MethodPatch {
		if err := u.Room(); err != nil {
			problem.WriteProblem(w, r, err)
			return
		}
	}
	r.Body = &counted{limit.NewPacedBody(r.Body, u.MinRate, time.Now), u.Received}
	u.tus.ServeHTTP(&answer{ResponseWriter: w}, r)
}

// counted reports how many bytes of a body were read.
type counted struct {
	io.ReadCloser
	received func(bytes int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.received(int64(n))
	return n, err
}

// own finds an upload that belongs to the player and has not expired, else it returns contest.ErrNoVideo.
func (u *Uploads) own(ctx context.Context, p contest.Player, id string) (contest.PartialUpload, error) {
	row, err := u.Store.Upload(ctx, id)
	if err == nil && (row.PlayerID != p.ID || !u.Clock().Before(row.ExpiresAt)) {
		err = contest.ErrNoVideo
	}
	return row, err
}

// settle waits for the upload's lock and then reads its row again, because the request that held the lock may have
// turned it into a video. If all bytes have arrived but the upload was not accepted, because the program or the
// database stopped in between, settle accepts it. It returns a 423 if the lock is not free within LockLimit.
func (u *Uploads) settle(ctx context.Context, c *call) error {
	limited, cancel := context.WithTimeout(ctx, u.LockLimit)
	defer cancel()
	held, err := u.locks.NewLock(c.upload.ID)
	if err != nil {
		return err
	}
	switch err := held.Lock(limited, func() {}); {
	case errors.Is(err, handler.ErrNotFound): // its files are gone; the row says why
		c.upload, err = u.own(ctx, c.player, c.upload.ID)
		return err
	case errors.Is(err, handler.ErrLockTimeout):
		return problem.ServerBusy(c.tag)
	case err != nil:
		return fmt.Errorf("wait for an upload: %w", err)
	}
	defer func() { _ = held.Unlock() }() // never fails
	c.upload, err = u.own(ctx, c.player, c.upload.ID)
	if err != nil || c.upload.VideoID != 0 || !u.whole(c.upload) {
		return err
	}
	v, err := u.accept(ctx, c.player, c.upload)
	c.upload.VideoID = v.ID
	return err
}

// finished answers a request for an upload that has become a video, as if the same request had completed it. DELETE
// is answered with 404.
func (u *Uploads) finished(w http.ResponseWriter, r *http.Request, c *call) {
	size := strconv.FormatInt(c.upload.Size, 10)
	status := http.StatusOK
	switch {
	case r.Method == http.MethodHead:
		w.Header().Set("Upload-Length", size)
	case r.Method != http.MethodPatch:
		problem.WriteProblem(w, r, contest.ErrNoVideo)
		return
	case r.Header.Get("Upload-Offset") != size:
		problem.WriteProblem(w, r, problem.ProblemForStatus(http.StatusConflict, "", c.tag))
		return
	default:
		status = http.StatusNoContent
	}
	h := w.Header()
	h.Set("Tus-Resumable", tusVersion)
	h.Set("Cache-Control", "no-store")
	h.Set("Upload-Offset", size)
	h.Set(videoHeader, strconv.FormatInt(c.upload.VideoID, 10))
	w.WriteHeader(status)
}

// answer rewrites the Location of a new upload to a path without scheme and host, which is right behind every proxy.
type answer struct{ http.ResponseWriter }

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if _, path, ok := strings.Cut(a.Header().Get("Location"), Path+"/"); ok {
		a.Header().Set("Location", Path+"/"+path)
	}
	a.ResponseWriter.WriteHeader(status)
}

// isRefusal reports whether err is a refusal of the contest, and not a failure of the platform.
func isRefusal(err error) bool {
	var refusal *contest.Refusal
	var invalid *contest.InvalidError
	return errors.As(err, &refusal) || errors.As(err, &invalid)
}

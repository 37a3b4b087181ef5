package chaos

import (
	"context"
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"strconv"

	"risingstars/internal/testkit/history"
)

// uploadInPieces sends a clip by the tus protocol to one process, cut again and again, and goes on from where it was cut. An
// upload that is given up on is known not to be there only if its last piece was never sent.
func (l *load) uploadInPieces(ctx context.Context, random *rand.Rand, p person, title string) {
	clip, base := l.clips[random.IntN(len(l.clips))], l.anyURL(random)
	size := strconv.Itoa(len(clip))
	o := history.Operation{Action: history.Upload, Account: p.email, Title: title, Content: fingerprint(clip), Outcome: history.Refused}
	defer func() { l.history.Add(o) }()
	made := l.ask(ctx, random, request{method: http.MethodPost, base: base, path: "/api/uploads", token: p.token, header: map[string]string{
		"Tus-Resumable": "1.0.0", "Upload-Length": size, "Upload-Metadata": "title " + base64.StdEncoding.EncodeToString([]byte(title)),
	}})
	path := made.header.Get("Location")
	if made.status != http.StatusCreated || path == "" {
		return
	}
	for try := range 8 {
		at := l.ask(ctx, random, request{method: http.MethodHead, base: base, path: path, token: p.token, header: map[string]string{"Tus-Resumable": "1.0.0"}})
		offset, err := strconv.Atoi(at.header.Get("Upload-Offset"))
		switch {
		case at.status == http.StatusNotFound:
			return // it has ended, or a crash took it: o says what can be known
		case at.status != http.StatusOK || err != nil || offset > len(clip):
			continue
		case offset == len(clip): // the answer says that it was accepted
			o.Outcome = history.Acknowledged
			return
		}
		r := request{
			method: http.MethodPatch, base: base, path: path, token: p.token, contentType: "application/offset+octet-stream", body: clip[offset:],
			header: map[string]string{"Tus-Resumable": "1.0.0", "Upload-Offset": strconv.Itoa(offset)},
		}
		if try < 2 && len(r.body) > 1 {
			r.cut = 1 + random.IntN(len(r.body)-1)
		} else {
			o.Outcome = history.Unknown
		}
		sent := l.ask(ctx, random, r)
		if sent.status == http.StatusNoContent && sent.header.Get("Video-Id") != "" {
			o.Outcome = history.Acknowledged
			o.VideoID, _ = strconv.ParseInt(sent.header.Get("Video-Id"), 10, 64)
			return
		}
	}
}

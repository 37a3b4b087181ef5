package chaos

import (
	"context"
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"strconv"

	"risingstars/internal/testkit/history"
)

// uploadInPieces sends a clip to one process by the tus protocol. It truncates requests repeatedly and resumes from
// the server's offset. The outcome of an abandoned upload is known to be a refusal only if its last part was never
// sent.
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
			return // it was finished, or a crash removed it: o has the known outcome
		case at.status != http.StatusOK || err != nil || offset > len(clip):
			continue
		case offset == len(clip): // the answer confirms that it was accepted
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

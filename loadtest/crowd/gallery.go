package crowd

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// pieceBytes is how much of a clip a viewer asks for at a time.
const pieceBytes = 64 << 10

// videoURLs are what the gallery tells about a video's media.
type videoURLs struct {
	Clip   string `json:"processed_url"`
	Poster string `json:"poster_url"`
}

// viewSomething makes one request of a viewer, and a pause.
func (u *user) viewSomething() {
	switch chance := rand.Float64(); { //nolint:gosec // not for secrets
	case chance < .15:
		u.viewPage()
	case chance < .4 || len(u.videos) == 0:
		u.viewGallery()
	case chance < .6:
		u.send(request{call: "ranking", method: http.MethodGet, path: "/api/public/rankings?page=1&limit=20", status: http.StatusOK}, checkRanking)
	case chance < .75:
		u.viewPoster()
	default:
		u.viewPieceOfClip()
	}
	u.think(500*time.Millisecond, 1500*time.Millisecond)
}

func (u *user) viewPage() {
	r := request{call: "page", method: http.MethodGet, path: "/", status: http.StatusOK, header: map[string]string{"Accept": "text/html"}}
	u.send(r, func(a answer) error {
		if !bytes.Contains(a.body, []byte("</html>")) {
			return wrongBody("the page is cut")
		}
		return nil
	})
}

func (u *user) viewGallery() {
	r := request{call: "gallery", method: http.MethodGet, path: "/api/public/videos?limit=20", status: http.StatusOK}
	u.send(r, func(a answer) error {
		videos, err := decode[[]videoURLs](a)
		if err != nil {
			return err
		}
		if len(videos) == 0 {
			return wrongBody("the gallery is empty")
		}
		for _, v := range videos {
			if v.Clip == "" || v.Poster == "" {
				return wrongBody("a public video without clip or poster")
			}
		}
		u.videos = videos
		return nil
	})
}

func (u *user) viewPoster() {
	r := request{call: "poster", method: http.MethodGet, path: u.anyVideo().Poster, status: http.StatusOK}
	u.send(r, func(a answer) error {
		if a.header.Get("Content-Type") != "image/jpeg" {
			return wrongBody("the poster is no JPEG")
		}
		return nil
	})
}

func (u *user) viewPieceOfClip() {
	r := request{
		call: "piece", method: http.MethodGet, path: u.anyVideo().Clip, status: http.StatusPartialContent,
		header: map[string]string{"Range": fmt.Sprintf("bytes=0-%d", pieceBytes-1)},
	}
	u.send(r, checkPiece)
}

// checkPiece compares the length of a piece with what the answer says about it.
func checkPiece(a answer) error {
	var last, total int
	if _, err := fmt.Sscanf(a.header.Get("Content-Range"), "bytes 0-%d/%d", &last, &total); err != nil {
		return wrongBody("no Content-Range")
	}
	switch {
	case len(a.body) == 0 || len(a.body) > pieceBytes:
		return wrongBody("a piece of another size")
	case len(a.body) != last+1:
		return wrongBody("a piece that is cut")
	}
	return nil
}

func (u *user) anyVideo() videoURLs { return u.videos[rand.N(len(u.videos))] } //nolint:gosec // not for secrets

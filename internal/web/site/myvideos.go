package site

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"risingstars/internal/contest"
)

// MyVideo is one of the current user's own videos.
type MyVideo struct {
	Words      *words
	ID         int64
	Title      string
	Status     contest.Status
	Hidden     bool // by the organizers
	Progress   int
	Reason     string // why processing failed
	Votes      int
	UploadedAt time.Time
	ClipURL    string
	PosterURL  string
	Waiting    bool // the status changes without the player's action
	Contact    *Contact
}

// MyVideosPage is /mis-videos.
type MyVideosPage struct {
	Layout
	Videos    []MyVideo
	Waiting   bool // at least one video is waiting
	MaxUpload int64
	MaxText   string
}

func (s *Site) myVideos(w http.ResponseWriter, r *http.Request) error {
	p, ok, err := s.member(w, r)
	if !ok {
		return err
	}
	layout, err := s.layout(w, r, "myvideos")
	if err != nil {
		return err
	}
	list, err := s.Videos.VideosOfPlayer(r.Context(), p)
	if err != nil {
		return err
	}
	page := &MyVideosPage{Layout: layout, MaxUpload: s.MaxUpload, MaxText: fmt.Sprintf("%d MB", s.MaxUpload>>20)}
	page.Title = layout.Words.MyTitle
	for _, v := range list {
		mine := s.myVideo(layout.Words, v, s.Live.Progress(r.Context(), v.ID))
		page.Waiting = page.Waiting || mine.Waiting
		page.Videos = append(page.Videos, mine)
	}
	if r.Header.Get("HX-Target") == "my-list" {
		return s.render(w, r, http.StatusOK, "myvideos", "list", page)
	}
	return s.show(w, r, http.StatusOK, page)
}

func (s *Site) myVideo(words *words, v contest.Video, progress int) MyVideo {
	return MyVideo{
		Words: words, ID: v.ID, Title: v.Title, Status: v.Status, Hidden: v.Hidden != contest.NotHidden, Progress: progress, Reason: words.failure(v.Failure),
		Votes: v.Votes, UploadedAt: v.UploadedAt, Waiting: !v.Status.IsSettled(), Contact: contact(s.Contact),
		ClipURL:   s.partURL(v, contest.RenditionPart, v.Media.RenditionKey()),
		PosterURL: s.partURL(v, contest.PosterPart, v.Media.PosterKey()),
	}
}

// mostWatched is the maximum number of videos that one stream follows.
const mostWatched = 50

// myEvents streams each of the current user's unfinished videos as HTML when it changes. The stream ends when all of
// them are settled.
func (s *Site) myEvents(w http.ResponseWriter, r *http.Request) error {
	p, err := s.Caller(w, r)
	if err != nil {
		return err
	}
	list, err := s.Videos.VideosOfPlayer(r.Context(), p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	news, waiting := make(chan contest.Event), 0
	for _, v := range list {
		if !v.Status.IsSettled() && waiting < mostWatched {
			waiting++
			go s.follow(ctx, v.ID, news) // ends with ctx
		}
	}
	stream := s.openStream(w)
	beat := time.NewTicker(keepAlive)
	defer beat.Stop()
	for waiting > 0 {
		select {
		case <-ctx.Done():
			return nil
		case <-s.Stopping:
			return nil
		case <-beat.C:
			err = stream.comment()
		case e := <-news:
			if e.Deleted || e.Status.IsSettled() {
				waiting--
			}
			err = s.sendVideo(ctx, stream, r, p, e)
		}
		if err != nil {
			return nil // the browser has disconnected
		}
	}
	_ = stream.send("done", "") // tells the browser not to reconnect
	return nil
}

// sendVideo sends one video as HTML, or an empty fragment if it was deleted.
func (s *Site) sendVideo(ctx context.Context, stream *stream, r *http.Request, p contest.Player, e contest.Event) error {
	name := fmt.Sprintf("video-%d", e.VideoID)
	v, err := s.Videos.OwnVideo(ctx, p, e.VideoID)
	if err != nil {
		return stream.send(name, "") // the video was deleted
	}
	if !e.Status.IsSettled() && !v.Status.IsSettled() {
		v.Status = e.Status
	}
	return stream.send(name, s.fragment("myvideos", "item", s.myVideo(s.words(r), v, e.Progress)))
}

// follow sends a video's states to news, starting with the current one, until it is settled or deleted, or ctx ends.
func (s *Site) follow(ctx context.Context, id int64, news chan<- contest.Event) {
	watch := s.Live.Watch(ctx, id) // before reading the state, so that no change in between is missed
	defer watch.Close()
	now := contest.Event{VideoID: id, Deleted: true}
	if v, err := s.Videos.Store.VideoByID(ctx, id); err == nil {
		now = contest.Event{VideoID: id, Status: v.Status, Progress: s.Live.Progress(ctx, id)}
	}
	for {
		select {
		case news <- now:
		case <-ctx.Done():
			return
		}
		if now.Deleted || now.Status.IsSettled() {
			return
		}
		select {
		case now = <-watch.News():
		case <-ctx.Done():
			return
		}
	}
}

// change applies an action to one of the current user's videos and redirects to the list. If stays is true, the URL
// has the video's fragment.
func (s *Site) change(w http.ResponseWriter, r *http.Request, stays bool, do func(context.Context, contest.Player, int64) error) error {
	p, ok, err := s.member(w, r)
	if !ok {
		return err
	}
	if err := do(r.Context(), p, idOf(r)); err != nil {
		return err
	}
	list := "/mis-videos"
	if stays {
		list += "#video-" + strconv.FormatInt(idOf(r), 10)
	}
	redirect(w, r, list)
	return nil
}

func (s *Site) publish(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, true, func(ctx context.Context, p contest.Player, id int64) error {
		_, err := s.Videos.PublishVideo(ctx, p, id)
		return err
	})
}

func (s *Site) retry(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, true, func(ctx context.Context, p contest.Player, id int64) error {
		_, err := s.Videos.RetryVideo(ctx, p, id)
		return err
	})
}

func (s *Site) delete(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, false, s.Videos.DeleteVideo)
}

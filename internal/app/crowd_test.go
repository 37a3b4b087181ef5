package app_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
)

// crowd uploads, signs up and votes, and records what was acknowledged.
type crowd struct {
	testing.TB
	random  *rand.Rand
	dataDir string
	program *program
	star    player
	public  int64 // the star's video that the voters vote for

	mu      sync.Mutex
	uploads []*upload
	voters  []voter
}

// upload is a video that is sent until it is acknowledged.
type upload struct {
	title   string
	path    string
	frames  int // of the rendition
	id      int64
	sending bool
}

// voter is an account whose sign-up was acknowledged. voted says whether its vote was acknowledged.
type voter struct {
	player
	voted bool
}

func newCrowd(tb testing.TB, uploads int, random *rand.Rand) *crowd {
	tb.Helper()
	c := &crowd{TB: tb, random: random, dataDir: tb.TempDir()}
	for n := range uploads {
		frames := 30 + 15*(n%3)
		c.uploads = append(c.uploads, &upload{
			title: fmt.Sprint("Triple ", n), frames: 150 + frames,
			path: mediatest.Clip(tb, mediatest.Spec{Width: 1280, Height: 720, Moving: true, Frames: frames}),
		})
	}
	c.restart()
	c.star = newPlayer(tb, c.program.url, "star@example.com")
	c.public = c.star.mustUpload(tb, c.program.url, mediatest.Clip(tb, mediatest.Spec{}))
	c.star.waitFor(tb, c.program.url, c.public, "processed")
	c.star.publish(tb, c.program.url, c.public)
	return c
}

func (c *crowd) restart() {
	c.Helper()
	c.program = serve(c, apptest.Settings{"DATA_DIR": c.dataDir, "FFMPEG": "ffmpeg"})
}

// take returns an upload that is not in progress and was not acknowledged, or nil.
func (c *crowd) take() *upload {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range c.uploads {
		if u.id == 0 && !u.sending {
			u.sending = true
			return u
		}
	}
	return nil
}

// act sends the given number of uploads once. During the uploads, new voters sign up and vote, one after the other.
func (c *crowd) act(uploads int) *sync.WaitGroup {
	var acts sync.WaitGroup
	url := c.program.url
	for range uploads {
		u := c.take()
		if u == nil {
			break
		}
		pause := time.Duration(c.random.IntN(200)) * time.Millisecond
		acts.Go(func() {
			id, err := c.star.upload(url, u.title, u.path, func() { <-time.After(pause) })
			c.mu.Lock()
			defer c.mu.Unlock()
			u.sending = false
			if err == nil {
				u.id = id
			}
		})
	}
	acts.Go(func() {
		for n := range 20 {
			c.vote(url, fmt.Sprintf("voter-%d-%d@example.com", c.program.cmd.Process.Pid, n))
		}
	})
	return &acts
}

// vote signs up a voter and votes, unless the program is killed before.
func (c *crowd) vote(url, email string) {
	if signUp(url, email) != nil {
		return
	}
	v := voter{player: player{email: email}}
	p, err := signIn(url, email)
	if err == nil {
		v.player = p
		v.voted = p.vote(url, c.public) == nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.voters = append(c.voters, v)
}

// moments are the moments at which the program is killed. If nothing is left to upload or process, some do not occur;
// then it is killed after ten seconds.
var moments = []struct {
	name string
	wait func(*crowd)
}{
	{"during the uploads", func(c *crowd) { c.pass(300 * time.Millisecond) }},
	{"between an original and its row", func(c *crowd) { c.newFile("media/videos/*/original.*") }},
	{"after a 201", func(c *crowd) {
		before := c.acknowledged()
		c.until(func() bool { return c.acknowledged() > before })
	}},
	{"while FFmpeg runs", func(c *crowd) {
		c.until(func() bool { return len(must(filepath.Glob(c.dataDir+"/work/process-*/render-*/clip.mp4"))(c)) > 0 })
		c.pass(800 * time.Millisecond)
	}},
	{"between a rendition and its row", func(c *crowd) { c.newFile("media/videos/*/*/clip.mp4") }},
}

// pass waits for a random time of at most most.
func (c *crowd) pass(most time.Duration) {
	<-time.After(time.Duration(c.random.Int64N(int64(most))))
}

func (c *crowd) until(done func() bool) {
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	for !done() && time.Now().Before(deadline) {
		<-tick.C
	}
}

// newFile waits until one more file matches the pattern.
func (c *crowd) newFile(pattern string) {
	count := func() int { return len(must(filepath.Glob(filepath.Join(c.dataDir, pattern)))(c)) }
	before := count()
	c.until(func() bool { return count() > before })
}

func (c *crowd) acknowledged() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range c.uploads {
		if u.id != 0 {
			n++
		}
	}
	return n
}

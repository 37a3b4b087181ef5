package app_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
)

// TestKill kills the program again and again while people upload, sign up and vote, and finds nothing lost and nothing
// done twice of what was acknowledged. RISINGSTARS_KILLS says how often, RISINGSTARS_SEED repeats a run's choices.
func TestKill(t *testing.T) {
	t.Parallel()
	kills, seed := number(t, "RISINGSTARS_KILLS", 5), number(t, "RISINGSTARS_SEED", int(time.Now().UnixNano()%1_000_000))
	t.Logf("RISINGSTARS_KILLS=%d RISINGSTARS_SEED=%d", kills, seed)
	c := newCrowd(t, kills+1, rand.New(rand.NewPCG(uint64(seed), 0)))

	first := c.random.IntN(len(moments))
	for n := range kills {
		moment := moments[(first+n)%len(moments)]
		acts := c.act(2)
		began := time.Now()
		moment.wait(c)
		c.program.kill()
		t.Logf("killed %s after %s", moment.name, time.Since(began).Round(time.Millisecond))
		acts.Wait()
		noChildren(t, c.dataDir)
		c.restart()
		if n%10 == 9 { // a video that brings the program down much more often than that is given up
			c.settle()
		}
	}
	c.act(kills + 1).Wait() // what is left to upload
	if diff := cmp.Diff(kills+1, c.acknowledged()); diff != "" {
		t.Fatalf("uploads (-want +got):\n%s", diff)
	}
	c.settle()
	c.checkPeople()
	c.checkVideos()
}

// crowd is who uploads, signs up and votes, and what was acknowledged to them.
type crowd struct {
	testing.TB
	random  *rand.Rand
	dataDir string
	program *program
	star    player
	public  int64 // a video of the star's, to vote for

	mu      sync.Mutex
	uploads []*upload
	voters  []voter
}

// upload is one video that is sent until it is acknowledged.
type upload struct {
	title   string
	path    string
	frames  int // of the rendition
	id      int64
	sending bool
}

// voter is somebody whose sign-up was acknowledged, and whether the vote was.
type voter struct {
	player
	voted bool
}

func newCrowd(tb testing.TB, uploads int, random *rand.Rand) *crowd {
	tb.Helper()
	c := &crowd{TB: tb, random: random, dataDir: tb.TempDir()}
	for n := range uploads {
		frames := 90 + 30*(n%3)
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
	c.program = serve(c, apptest.Settings{"DATA_DIR": c.dataDir})
}

// take picks an upload that is not under way and was not acknowledged, nil if there is none.
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

// act sends so many of the uploads once, and meanwhile lets people sign up and vote, one after the other.
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

// vote signs a person up and lets them vote, as far as the program lives.
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

// moments are when the program is killed. Each comes in a while, if only because its patience ends.
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
		c.until(func() bool { return len(must(filepath.Glob(c.dataDir+"/work/render-*/clip.mp4"))(c)) > 0 })
		c.pass(1500 * time.Millisecond)
	}},
	{"between a rendition and its row", func(c *crowd) { c.newFile("media/videos/*/*/clip.mp4") }},
}

// pass lets some time pass, but not more than this.
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

// newFile waits for one more file of a pattern.
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

// settle waits until all that was entered is processed, acknowledged or not.
func (c *crowd) settle() {
	c.Helper()
	for _, v := range c.star.videos(c, c.program.url) {
		if v.ID != c.public {
			c.star.waitFor(c, c.program.url, v.ID, "processed")
		}
	}
}

// checkPeople finds every account and every vote that was acknowledged.
func (c *crowd) checkPeople() {
	c.Helper()
	url, acknowledged := c.program.url, 0
	for _, v := range c.voters {
		p, err := signIn(url, v.email)
		if err != nil {
			c.Errorf("%s was signed up, and is not there: %v", v.email, err)
			continue
		}
		err = p.vote(url, c.public)
		again := err != nil && strings.Contains(err.Error(), "You have already voted for this video")
		if v.voted {
			acknowledged++
		}
		if v.voted && !again {
			c.Errorf("the vote of %s was lost: %v", v.email, err)
		}
	}
	// Everybody has voted by now, and once.
	c.Logf("%d accounts and %d votes were acknowledged", len(c.voters), acknowledged)
	if diff := cmp.Diff(len(c.voters), c.star.video(c, url, c.public).Votes); diff != "" {
		c.Errorf("votes (-want +got):\n%s", diff)
	}
}

// checkVideos finds every upload that was acknowledged, each processed once, with its frames; and nothing else.
func (c *crowd) checkVideos() {
	c.Helper()
	titles := map[int64]string{}
	for _, v := range c.star.videos(c, c.program.url) {
		titles[v.ID] = v.Title
	}
	frames := map[string]int{}
	for _, u := range c.uploads {
		frames[u.title] = u.frames
		if diff := cmp.Diff(u.title, titles[u.id]); diff != "" {
			c.Errorf("video %d, whose upload was acknowledged (-want +got):\n%s", u.id, diff)
		}
	}
	media := filepath.Join(c.dataDir, "media")
	list := rows(c, c.dataDir)
	apptest.Eventually(c, 10*time.Second, "only what belongs to the videos is in the storage", func() bool {
		return cmp.Equal(objects(list), files(c, media))
	})
	c.program.signal(syscall.SIGTERM)
	if diff := cmp.Diff(0, c.program.wait(patience)); diff != "" {
		c.Errorf("exit code (-want +got):\n%s", diff)
	}
	for _, r := range list {
		if r.ID == c.public {
			continue
		}
		want := row{ID: r.ID, Status: "processed", Token: r.Token, Format: "mp4", Run: r.Run, Jobs: 1, State: "completed", Attempt: r.Attempt}
		if diff := cmp.Diff(want, r); diff != "" {
			c.Errorf("video %d (-want +got):\n%s", r.ID, diff)
		}
		if diff := cmp.Diff(frames[titles[r.ID]], decode(c, filepath.Join(media, r.clip()))); diff != "" {
			c.Errorf("frames of video %d (-want +got):\n%s", r.ID, diff)
		}
	}
	if diff := cmp.Diff([]string{}, files(c, filepath.Join(c.dataDir, "work"))); diff != "" {
		c.Errorf("work files (-want +got):\n%s", diff)
	}
}

// decode decodes all frames of a clip, of which none may be broken, and counts them.
func decode(tb testing.TB, path string) int {
	tb.Helper()
	cmd := exec.Command(mediatest.Program(tb, "ffprobe"), "-v", "error", "-count_frames", "-select_streams", "v",
		"-show_entries", "stream=nb_read_frames", "-of", "default=nokey=1:noprint_wrappers=1", path)
	out, err := cmd.CombinedOutput()
	check(tb, err)
	return must(strconv.Atoi(strings.TrimSpace(string(out))))(tb)
}

func number(tb testing.TB, name string, otherwise int) int {
	tb.Helper()
	if text := os.Getenv(name); text != "" {
		return must(strconv.Atoi(text))(tb)
	}
	return otherwise
}

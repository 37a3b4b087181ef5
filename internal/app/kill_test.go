package app_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// TestKill kills the program repeatedly during uploads, sign-ups and votes, and checks that of everything
// acknowledged nothing is lost and nothing happened twice. RISINGSTARS_KILLS sets the number of kills;
// RISINGSTARS_SEED repeats a run's choices.
func TestKill(t *testing.T) {
	t.Parallel()
	kills, seed := number(t, "RISINGSTARS_KILLS", 5), number(t, "RISINGSTARS_SEED", int(time.Now().UnixNano()%1_000_000))
	t.Logf("RISINGSTARS_KILLS=%d RISINGSTARS_SEED=%d", kills, seed)
	c := newCrowd(t, kills+1, rand.New(rand.NewPCG(uint64(seed), 0)))

	first := c.random.IntN(len(moments))
	for n := range kills {
		moment := moments[(first+n)%len(moments)]
		acts := c.act(2)
		moment.wait(c)
		c.program.kill()
		t.Logf("killed %s", moment.name)
		acts.Wait()
		noChildren(t, c.dataDir)
		c.restart()
		if n%10 == 9 { // a video that is interrupted much more often is failed permanently
			c.settle()
		}
	}
	c.act(kills + 1).Wait() // the remaining uploads
	if diff := cmp.Diff(kills+1, c.acknowledged()); diff != "" {
		t.Fatalf("uploads (-want +got):\n%s", diff)
	}
	c.settle()
	c.checkPeople()
	c.checkVideos()
}

// settle waits until every inserted video is processed, acknowledged or not.
func (c *crowd) settle() {
	c.Helper()
	for _, v := range c.star.videos(c, c.program.url) {
		if v.ID != c.public {
			c.star.waitFor(c, c.program.url, v.ID, "processed")
		}
	}
}

// checkPeople checks that every acknowledged account and vote exists.
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
	// Every voter has voted by now, exactly once.
	c.Logf("%d accounts and %d votes were acknowledged", len(c.voters), acknowledged)
	if diff := cmp.Diff(len(c.voters), c.star.video(c, url, c.public).Votes); diff != "" {
		c.Errorf("votes (-want +got):\n%s", diff)
	}
}

// checkVideos checks that every acknowledged upload exists and was processed once, with the right number of frames,
// and that nothing else exists.
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
	testserver.Eventually(c, "only what belongs to the videos is in the storage", func() bool {
		return cmp.Equal(objects(list), ofVideos(files(c, media)))
	})
	c.program.signal(syscall.SIGTERM)
	if diff := cmp.Diff(0, c.program.wait()); diff != "" {
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

// decode decodes all frames of a clip, fails if one is broken, and returns their number.
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

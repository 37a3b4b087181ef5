package app

import (
	"testing"
	"testing/synctest"
	"time"
)

// A folder on a network file system that hangs does not block a scrape, however often it is scraped.
func TestALookAtAFolderThatHangs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { // the fake clock advances only while all goroutines are blocked
		f := newFolder("media", dir)
		if stat, ok := f.look(); !ok || stat.Blocks == 0 {
			t.Fatalf("got %d blocks, %v", stat.Blocks, ok)
		}
		synctest.Wait()      // until the earlier call has ended
		f.turn <- struct{}{} // simulates an earlier call that is blocked
		began := time.Now()
		if _, ok := f.look(); ok || time.Since(began) > 0 {
			t.Errorf("got a look after %s: %v", time.Since(began), ok)
		}
		<-f.turn
		if _, ok := f.look(); !ok {
			t.Error("the folder is there again, and not looked at")
		}
		if _, ok := newFolder("none", dir+"/none").look(); ok {
			t.Error("got a look at a folder that is not there")
		}
	})
}

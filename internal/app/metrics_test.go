package app

import (
	"testing"
	"testing/synctest"
	"time"
)

// A folder on a server that is away keeps nobody who asks for metrics waiting, however often they ask.
func TestALookAtAFolderThatHangs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { // in which time passes only while everything waits
		f := newFolder("media", dir)
		if stat, ok := f.look(); !ok || stat.Blocks == 0 {
			t.Fatalf("got %d blocks, %v", stat.Blocks, ok)
		}
		synctest.Wait()      // until the look has ended
		f.turn <- struct{}{} // as an earlier look does that has not come back
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

package media

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"

	"risingstars/internal/media/mediatest"
)

func TestConfine(t *testing.T) {
	t.Parallel()
	mediatest.Program(t, "ffmpeg")
	found, err := Find(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}

	_, got, err := found.Confine(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	abi, _ := ll.LandlockGetABIVersion() // 0 where the kernel has none
	want := Protection{ABI: abi, Files: abi > 0, Network: true, Processes: true}
	if abi == 0 {
		want.Why = "this kernel has no Landlock, or the container forbids it"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("protection (-want +got):\n%s", diff)
	}
	t.Log(got)
}

package main

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSSIM(t *testing.T) {
	t.Parallel()
	const text = "frame=  300\n[Parsed_ssim_0 @ 0x55] SSIM Y:0.971 (15.43) U:0.972 (15.67) V:0.976 (16.24) All:0.972475 (15.602794)\n"
	if got, err := ssimIn(text); got != 15.602794 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := ssimIn("Conversion failed!"); err == nil {
		t.Errorf("got %v without an error", got)
	}
}

// Of an option that stands twice, the rendition's is the last.
func TestOptionsOfARendition(t *testing.T) {
	t.Parallel()
	h := newHost(t.Context(), io.Discard)
	args := []string{"-threads", "1", "-i", "a", "-threads", "2", "-crf", "23", "b"}
	want := [][]string{
		{"-threads", "1", "-i", "a", "-threads", "4", "-crf", "23", "b"},
		{"-threads", "1", "-i", "a", "-threads", "2", "b"},
		{"-threads", "1", "-i", "a", "-threads", "2", "-crf", "23", "b"},
	}
	got := [][]string{put(h, args, "-threads", "4"), without(h, args, "-crf"), args}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := h.try(func() { put(h, args, "-preset", "fast") }); err == nil {
		t.Error("an option that is not there is put")
	}
}

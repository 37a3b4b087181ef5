package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"risingstars/internal/config"
	"risingstars/internal/media"
)

func checkFFmpeg(ctx context.Context, s *config.Settings) []finding {
	mend := ffmpegMend(s)
	tools, protection, err := findTools(ctx, s, true)
	if errors.Is(err, errUnconfined) {
		return []finding{{"ffmpeg", err.Error(), "use Linux 6.2 or newer with Landlock and seccomp, and FFmpeg itself rather than a script; or set SANDBOX to auto", true}}
	}
	if err != nil {
		return []finding{{"ffmpeg", err.Error(), mend, true}}
	}
	found, err := tools.Check(ctx)
	if err != nil {
		return []finding{{"ffmpeg", err.Error(), mend, true}}
	}
	list := []finding{{part: "ffmpeg", is: present(found)}}
	if lacks := missing(found); lacks != "" {
		list = append(list, finding{"ffmpeg", lacks, mend, true})
	}
	for _, f := range found {
		if !f.OK && !f.Required {
			list = append(list, finding{"ffmpeg", f.Name + " is missing", f.Detail + "; " + mend, false})
		}
	}
	return append(list, protectionFinding(protection))
}

// ffmpegMend says what to do about an FFmpeg that is missing or too old.
func ffmpegMend(s *config.Settings) string {
	const install = "install FFmpeg 4.4 or newer: apt install ffmpeg, or brew install ffmpeg"
	var named []string
	for setting, is := range map[string]bool{"FFMPEG": s.FFmpeg != "ffmpeg", "FFPROBE": s.FFprobe != "ffprobe"} {
		if is {
			named = append(named, setting)
		}
	}
	if len(named) == 0 {
		return install
	}
	slices.Sort(named)
	return "mend " + strings.Join(named, " and ") + ", or leave it out for the program in PATH; or " + install
}

// present lists the programs that were found, and counts their codecs and filters.
func present(found []media.Finding) string {
	var there []string
	parts := 0
	for _, f := range found {
		if f.OK && f.Detail != "" {
			there = append(there, f.Name+" "+f.Detail)
		} else if f.OK {
			parts++
		}
	}
	return strings.Join(append(there, fmt.Sprintf("with %d codecs and filters that are used", parts)), ", ")
}

// missing lists the required parts that were not found, or returns "".
func missing(found []media.Finding) string {
	var lacks []string
	for _, f := range found {
		if !f.OK && f.Required {
			lacks = append(lacks, f.Name)
		}
	}
	switch len(lacks) {
	case 0:
		return ""
	case 1:
		return lacks[0] + " is missing"
	}
	return strings.Join(lacks, ", ") + " are missing"
}

func protectionFinding(p media.Protection) finding {
	f := finding{part: "sandbox", is: p.String()}
	if !p.Complete() {
		f.mend = "a hostile video that takes over FFmpeg could do what this program can: use Linux 6.2 or newer with " +
			"Landlock and seccomp, and FFmpeg itself rather than a script (SANDBOX=required refuses to start without)"
	}
	return f
}

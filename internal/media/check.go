package media

import (
	"context"
	"fmt"
	"strings"
)

// Finding is the result of one check.
type Finding struct {
	Name     string
	OK       bool
	Required bool   // without it no video can be processed
	Detail   string // a version, or the effect of its absence
}

// Check queries the programs for every feature that processing needs. It returns an error if a program does not run;
// missing features of a running one are findings.
func (t Tools) Check(ctx context.Context) ([]Finding, error) {
	var findings []Finding
	for _, program := range []struct{ name, path string }{{"ffmpeg", t.FFmpeg}, {"ffprobe", t.FFprobe}} {
		version, err := t.ask(ctx, program.path, "-version")
		if err != nil {
			return nil, fmt.Errorf("media: check: %w", err)
		}
		findings = append(findings, Finding{Name: program.name, OK: true, Required: true, Detail: shortVersion(version)})
	}
	for _, list := range needs {
		listing, err := t.ask(ctx, t.FFmpeg, "-"+list.kind+"s")
		if err != nil {
			return nil, fmt.Errorf("media: check: %w", err)
		}
		for _, n := range list.names {
			f := Finding{Name: list.kind + " " + n.name, OK: lists(listing, n.name), Required: n.without == ""}
			switch {
			case !f.OK && f.Required:
				f.Detail = "install an FFmpeg that has it"
			case !f.OK:
				f.Detail = n.without
			}
			findings = append(findings, f)
		}
	}
	return findings, nil
}

// need is a feature of FFmpeg. without is the effect of its absence, "" if nothing works without it.
type need struct{ name, without string }

const paleHDR = "HDR videos come out pale"

var needs = []struct {
	kind  string
	names []need
}{
	{"encoder", []need{{"libx264", ""}, {"mjpeg", ""}}},
	{"decoder", []need{{"h264", ""}, {"hevc", ""}, {"png", ""}}},
	{"muxer", []need{{"mp4", ""}, {"mjpeg", ""}}},
	{"filter", []need{
		{"concat", ""}, {"format", ""}, {"fps", ""}, {"hflip", ""}, {"loop", ""}, {"overlay", ""}, {"pad", ""},
		{"scale", ""}, {"select", ""}, {"setparams", ""}, {"setpts", ""}, {"setsar", ""}, {"settb", ""},
		{"sidedata", ""}, {"split", ""}, {"thumbnail", ""}, {"transpose", ""}, {"trim", ""}, {"vflip", ""},
		{"yadif", ""}, {"zscale", paleHDR}, {"tonemap", paleHDR},
	}},
}

// shortVersion returns "5.1.6" for "ffmpeg version 5.1.6 Copyright …", and "" for other texts.
func shortVersion(text string) string {
	if fields := strings.Fields(text); len(fields) > 2 && fields[1] == "version" {
		return fields[2]
	}
	return ""
}

// Package media inspects uploaded videos and renders them for the contest. It is the only package that runs FFmpeg.
//
// [Tools.Probe] decides, before an upload is accepted, whether a file is a playable video, and describes it.
// [Tools.Render] makes the rendition and its poster: an opening curtain, the first [MaxPlay] of the video under the
// watermark, and a closing curtain.
//
// Uploaded files are treated as hostile. A parser of this package checks the file's structure first. FFmpeg then may
// only read that one local file, as MP4 or QuickTime, up to a number of pixels, within limits of time, memory and
// size, and it never outlives its caller.
//
// A permanent verdict about the file is a [*Refusal]; a retry does not change it. Every other error is about the
// machine (a missing program, a full disk, a kill, a time limit), and a retry may succeed.
package media

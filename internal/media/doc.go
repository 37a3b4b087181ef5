// Package media looks at uploaded videos and makes of them what the contest shows. It is the only user of FFmpeg.
//
// [Tools.Probe] decides, before an upload is accepted, whether a file is a video that can be played, and describes it.
// [Tools.Render] makes the rendition and its poster: an opening curtain, the first [MaxPlay] of the video under the
// watermark, and a closing curtain.
//
// Uploaded files are hostile until shown otherwise. A parser of our own looks at the file's structure first; FFmpeg is
// then only allowed to read that one local file, as MP4 or QuickTime, up to a number of pixels, within limits of time,
// memory and size, and it never outlives its caller.
//
// A verdict about the file itself is a [*Refusal] and will not change by trying again. Every other error is about the
// machine (a missing program, a full disk, a kill, a time limit) and may.
package media

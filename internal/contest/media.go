package contest

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// Media names a video's objects in storage. Token and Run are random, 128 bits each, so that no key can be guessed
// from another and none is ever written twice: every run of processing writes under a name of its own.
//
//	videos/<token>/original.mp4
//	videos/<token>/<run>/clip.mp4
//	videos/<token>/<run>/poster.jpg
type Media struct {
	Token  string
	Format Format // of the original
	Size   int64  // of the original, in bytes
	Run    string // "" until a run of processing has finished
}

// MediaKeyPrefix is what the keys of all objects begin with.
const MediaKeyPrefix = "videos/"

// NewMediaToken makes a random name for Media.Token or Media.Run: 32 hexadecimal digits.
func NewMediaToken() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}

// KeyPrefix is where all objects of the video are.
func (m Media) KeyPrefix() string { return MediaKeyPrefix + m.Token + "/" }

// OriginalKey is the key of the file as it was uploaded.
func (m Media) OriginalKey() string { return m.KeyPrefix() + "original." + string(m.Format) }

// RenditionKey is the key of the processed video, "" where there is none.
func (m Media) RenditionKey() string { return m.keyInRun("clip.mp4") }

// PosterKey is the key of the still picture, "" where there is none.
func (m Media) PosterKey() string { return m.keyInRun("poster.jpg") }

func (m Media) keyInRun(name string) string {
	if m.Run == "" {
		return ""
	}
	return m.KeyPrefix() + m.Run + "/" + name
}

// TokenFromKey finds the video's token in a key, or "" if the key is not one of Media's.
func TokenFromKey(key string) string {
	rest, ok := strings.CutPrefix(key, MediaKeyPrefix)
	if !ok {
		return ""
	}
	token, _, ok := strings.Cut(rest, "/")
	if !ok || len(token) != 32 || strings.Trim(token, "0123456789abcdef") != "" {
		return ""
	}
	return token
}

// Part is one of the three objects of a video.
type Part int

// The parts, and NoPart for a key that is not among the video's.
const (
	NoPart Part = iota
	OriginalPart
	RenditionPart
	PosterPart
)

// PartOfKey says which of the video's objects a key names.
func (m Media) PartOfKey(key string) Part {
	switch {
	case key == "" || m.Token == "":
		return NoPart
	case key == m.OriginalKey():
		return OriginalPart
	case key == m.RenditionKey():
		return RenditionPart
	case key == m.PosterKey():
		return PosterPart
	}
	return NoPart
}

// MediaType is the HTTP type of one part.
func (m Media) MediaType(p Part) string {
	switch p {
	case OriginalPart:
		return m.Format.MediaType()
	case PosterPart:
		return "image/jpeg"
	default:
		return "video/mp4"
	}
}

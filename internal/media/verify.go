package media

import (
	"errors"
	"fmt"
	"image/jpeg"
	"os"
	"time"
)

// judge decides by the number of frames whether the clip could be played. FFmpeg reports the number even if it
// reports no errors.
func (m *Rendition) judge(c Clip, warnings string) error {
	expected := expectedFrames(c)
	switch damaged := warnings != ""; {
	case m.PlayFrames < 1:
		return refuse(Unplayable, "no picture can be decoded").because(asError(warnings))
	case m.PlayFrames > maxPlayFrames:
		return fmt.Errorf("media: render: %d frames of play, at most %d were asked for", m.PlayFrames, maxPlayFrames)
	case damaged && c.Duration > 0 && m.PlayFrames < expected/2:
		return refuse(Unplayable, "only %d of %d pictures can be decoded", m.PlayFrames, expected).
			because(asError(warnings))
	}
	m.Duration = time.Duration(m.Frames) * time.Second / FrameRate
	return nil
}

func asError(warnings string) error {
	if warnings == "" {
		return nil
	}
	return errors.New(warnings)
}

// verify checks the files that were written: complete, index in front, constant frame rate with a duration for every
// frame, right picture size. A failure says nothing about the original, so no error is a refusal.
func (m *Rendition) verify(r Render) error {
	err := opened(r.Dest, m.verifyIndex)
	if ReasonOf(err) != "" {
		return errors.New(err.Error())
	}
	if err != nil {
		return err
	}
	m.PosterSize, err = verifyPoster(r.Poster)
	return err
}

func (m *Rendition) verifyIndex(file *os.File, size int64) error {
	l, err := readLayout(file, size)
	if err != nil {
		return err
	}
	if l.Moov > l.Media {
		return errors.New("the index is behind the media data")
	}
	m.Size = size
	r := &boxReader{ReaderAt: file}
	moov, err := r.box(l.Moov, size)
	if err != nil {
		return err
	}
	track := parts{}
	_, err = r.each(moov, func(b box) error {
		if b.Type == "trak" && !track.collect(r, b) {
			return errors.New("its track cannot be read")
		}
		return nil
	})
	if err != nil {
		return err
	}
	frames, length := track.times(r)
	if frames != uint64(m.Frames) || (length-m.Duration).Abs() > time.Millisecond {
		return fmt.Errorf("the index has %d frames in %v, not %d in %v", frames, length, m.Frames, m.Duration)
	}
	return nil
}

func verifyPoster(path string) (size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	config, err := jpeg.DecodeConfig(f)
	if err != nil {
		return 0, fmt.Errorf("poster: %w", err)
	}
	if config.Width != Width || config.Height != Height {
		return 0, fmt.Errorf("poster of %d×%d", config.Width, config.Height)
	}
	return info.Size(), nil
}

package media

import (
	"fmt"
	"math"
	"strings"
)

// Turn is the rotation in a display matrix: to show a decoded picture upright, it is first mirrored (left to right),
// then rotated.
type Turn struct {
	Degrees  int // clockwise: 0, 90, 180 or 270
	Mirrored bool
}

// sideways reports whether the rotation swaps width and height.
func (t Turn) sideways() bool { return t.Degrees%180 != 0 }

// filters returns FFmpeg's filters for the rotation, "" for none.
func (t Turn) filters() string {
	switch t {
	case Turn{Degrees: 90}:
		return "transpose=clock"
	case Turn{Degrees: 180}:
		return "hflip,vflip"
	case Turn{Degrees: 270}:
		return "transpose=cclock"
	case Turn{Mirrored: true}:
		return "hflip"
	case Turn{Degrees: 90, Mirrored: true}:
		return "transpose=clock_flip"
	case Turn{Degrees: 180, Mirrored: true}:
		return "vflip"
	case Turn{Degrees: 270, Mirrored: true}:
		return "transpose=cclock_flip"
	}
	return ""
}

// parseTurn parses a display matrix as ffprobe prints it: three lines, each "00000000: a b u", in the order of the
// file. A point (x, y), with y downwards, is displayed at (ax+cy, bx+dy), where a, b begin the first line and c, d
// the second (ISO/IEC 14496-12, 8.3.2 tkhd and 6.2.2; QuickTime File Format, "Matrices"). An angle is rounded to a
// multiple of 90°; an invalid matrix counts as upright.
func parseTurn(matrix string) Turn {
	var rows [][3]float64
	for line := range strings.Lines(matrix) {
		_, numbers, found := strings.Cut(line, ":")
		var row [3]float64
		if n, err := fmt.Sscan(numbers, &row[0], &row[1], &row[2]); found && err == nil && n == 3 {
			rows = append(rows, row)
		}
	}
	if len(rows) < 2 {
		return Turn{}
	}
	a, b, c, d := rows[0][0], rows[0][1], rows[1][0], rows[1][1]
	t := Turn{Mirrored: a*d-b*c < 0}
	switch upright := math.Abs(a)+math.Abs(d) >= math.Abs(b)+math.Abs(c); {
	case upright && d < 0:
		t.Degrees = 180
	case upright:
		t.Degrees = 0
	case c < 0:
		t.Degrees = 90
	default:
		t.Degrees = 270
	}
	return t
}

package media

import "math"

// placement is the position of the clip in the rendition's picture, in pixels. All values are even, because 4:2:0
// chroma samples cover squares of four pixels.
type placement struct {
	X, Y, Width, Height int
}

// fit scales a picture with the given display proportions to the largest size that the rendition allows, centered.
// Each side is at least two pixels.
func fit(width, height float64) placement {
	scale := min(Width/width, Height/height)
	p := placement{Width: even(width*scale, Width), Height: even(height*scale, Height)}
	p.X, p.Y = (Width-p.Width)/4*2, (Height-p.Height)/4*2
	return p
}

func even(x float64, most int) int {
	return min(max(2, 2*int(math.Round(x/2))), most)
}

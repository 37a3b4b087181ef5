package media

import "math"

// placement is where the play stands in the rendition's picture, in pixels. All four are even, for the colours are stored
// for squares of four pixels.
type placement struct {
	X, Y, Width, Height int
}

// fit makes a picture of these displayed proportions as large as the rendition allows, in its middle. A picture thinner
// than two pixels would be is made two pixels thick.
func fit(width, height float64) placement {
	scale := min(Width/width, Height/height)
	p := placement{Width: even(width*scale, Width), Height: even(height*scale, Height)}
	p.X, p.Y = (Width-p.Width)/4*2, (Height-p.Height)/4*2
	return p
}

func even(x float64, most int) int {
	return min(max(2, 2*int(math.Round(x/2))), most)
}

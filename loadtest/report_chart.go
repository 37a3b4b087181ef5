package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// chartLine is one line of a chart. A NaN in y is a gap.
type chartLine struct {
	name string
	x, y []float64
}

// chart is a line chart.
type chart struct {
	title, x, y string
	lines       []chartLine
}

const (
	chartWidth, chartHeight = 640, 320
	left, right, top, below = 64, 16, 36, 64
)

// colours that color-blind people can tell apart (Okabe and Ito).
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999999"}

// renderSVG draws the chart as SVG that refers to no other file.
func (c chart) renderSVG() string {
	var out strings.Builder
	maxX, maxY := 0.0, 0.0
	for _, l := range c.lines {
		for i := range l.x {
			maxX = max(maxX, l.x[i])
			if !math.IsNaN(l.y[i]) {
				maxY = max(maxY, l.y[i])
			}
		}
	}
	stepX, stepY := axisStep(maxX), axisStep(maxY)
	maxX, maxY = roundUpToStep(maxX, stepX), roundUpToStep(maxY, stepY)
	atX := func(v float64) float64 { return left + v/maxX*(chartWidth-left-right) }
	atY := func(v float64) float64 { return chartHeight - below - v/maxY*(chartHeight-top-below) }
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" font-family="sans-serif" font-size="12">`,
		chartWidth, chartHeight)
	fmt.Fprintf(&out, `<rect width="100%%" height="100%%" fill="#fff"/><text x="%d" y="20" font-size="15" font-weight="bold">%s</text>`, left, html.EscapeString(c.title))
	for v := 0.0; v <= maxY+stepY/2; v += stepY {
		fmt.Fprintf(&out, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1[3]f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			left, chartWidth-right, atY(v), left-6, atY(v)+4, formatShortest(v))
	}
	for v := 0.0; v <= maxX+stepX/2; v += stepX {
		fmt.Fprintf(&out, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`, atX(v), chartHeight-below+16, formatShortest(v))
	}
	fmt.Fprintf(&out, `<text x="%d" y="%d" text-anchor="middle">%s</text>`, (left+chartWidth-right)/2, chartHeight-below+32, html.EscapeString(c.x))
	fmt.Fprintf(&out, `<text transform="translate(14 %d) rotate(-90)" text-anchor="middle">%s</text>`, (top+chartHeight-below)/2, html.EscapeString(c.y))
	legend := left
	for n, l := range c.lines {
		colour := colours[n%len(colours)]
		out.WriteString(l.renderPath(atX, atY, colour))
		fmt.Fprintf(&out, `<rect x="%d" y="%d" width="12" height="4" fill="%s"/><text x="%d" y="%d">%s</text>`,
			legend, chartHeight-15, colour, legend+16, chartHeight-9, html.EscapeString(l.name))
		legend += 30 + 7*len(l.name)
	}
	out.WriteString("</svg>")
	return out.String()
}

func (l chartLine) renderPath(atX, atY func(float64) float64, colour string) string {
	var d, dots strings.Builder
	pen := "M"
	for i := range l.x {
		if math.IsNaN(l.y[i]) {
			pen = "M"
			continue
		}
		fmt.Fprintf(&d, "%s%.1f %.1f", pen, atX(l.x[i]), atY(l.y[i]))
		pen = "L"
		if len(l.x) <= 20 {
			fmt.Fprintf(&dots, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`, atX(l.x[i]), atY(l.y[i]), colour)
		}
	}
	return fmt.Sprintf(`<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>`, d.String(), colour) + dots.String()
}

// axisStep is a round number of which four to ten make up the largest value.
func axisStep(largest float64) float64 {
	if largest <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(largest)))
	for _, n := range []float64{.1, .2, .5, 1} {
		if largest/(unit*n) <= 8 {
			return unit * n
		}
	}
	return unit * 2
}

func roundUpToStep(v, step float64) float64 { return math.Max(step, math.Ceil(v/step-1e-9)*step) }

func formatShortest(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
}

package site

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Each pair of colour tokens that meets on a page, with the ratio that WCAG 2.2 AA requires: 4.5 for text, 3 for
// large text, focus indicators and controls.
var contrastPairs = []struct {
	front, back string
	want        float64
}{
	{"text", "ground", 4.5}, {"text", "surface", 4.5}, {"text", "first", 4.5},
	{"quiet", "ground", 4.5}, {"quiet", "surface", 4.5},
	{"link", "ground", 4.5}, {"link", "surface", 4.5}, {"link", "first", 4.5},
	{"good", "surface", 4.5}, {"good", "ground", 4.5}, {"bad", "surface", 4.5}, {"bad", "ground", 4.5},
	{"focus", "ground", 3}, {"focus", "surface", 3},
	{"night", "orange", 4.5}, {"night", "orange-hover", 4.5}, {"night", "gold", 4.5},
	{"night-text", "night", 4.5}, {"night-text", "night-lift", 4.5},
	{"night-quiet", "night", 4.5}, {"gold", "night", 4.5}, {"gold", "night-lift", 4.5},
	{"orange", "night", 3}, {"orange", "night-lift", 3},
}

func TestColoursMeetWCAGAA(t *testing.T) {
	t.Parallel()
	sheet, err := staticFiles.ReadFile("static/site.css")
	if err != nil {
		t.Fatal(err)
	}
	light, rest, ok := strings.Cut(string(sheet), "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("site.css has no dark theme")
	}
	dark, _, _ := strings.Cut(rest, "/* ---- ground")
	for theme, text := range map[string]string{"light": light, "dark": light + dark} {
		tokens := colourTokens(text)
		for _, pair := range contrastPairs {
			front, ok1 := tokens[pair.front]
			back, ok2 := tokens[pair.back]
			if !ok1 || !ok2 {
				t.Errorf("%s: no token %s or %s", theme, pair.front, pair.back)
				continue
			}
			if got := contrast(front, back); got < pair.want {
				t.Errorf("%s: %s on %s: got %.2f, want %.1f", theme, pair.front, pair.back, got, pair.want)
			}
		}
	}
}

// colourTokens maps each token to its relative luminance. The last definition of a token counts.
func colourTokens(css string) map[string]float64 {
	tokens := map[string]float64{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
		rgb, err := strconv.ParseUint(m[2], 16, 32)
		if err != nil {
			panic(err) // the expression admits only hexadecimal digits
		}
		tokens[m[1]] = 0.2126*linear(rgb>>16) + 0.7152*linear(rgb>>8) + 0.0722*linear(rgb)
	}
	return tokens
}

func linear(channel uint64) float64 {
	c := float64(channel&0xff) / 255
	if c <= 0.04045 {
		return c / 12.92
	}
	return math.Pow((c+0.055)/1.055, 2.4)
}

func contrast(a, b float64) float64 {
	return (math.Max(a, b) + 0.05) / (math.Min(a, b) + 0.05)
}

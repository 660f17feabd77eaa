// Package chart draws bar charts as SVG, readable on light and dark pages.
package chart

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bar is one measurement.
type Bar struct {
	Label string

	// Value is the length of the bar, greater than 0. High, if greater, is the end
	// of a thin line after it: a high percentile, or the end of the spread.
	Value, High float64

	// Text is written after the bar: the value with its unit.
	Text string

	// Series chooses the colour.
	Series int
}

// Chart is a column of bars on a logarithmic axis.
type Chart struct {
	Title string
	Note  string // small, below the title
	Bars  []Bar
	Names []string // of the series; empty for no legend

	// Text describes the chart to readers who cannot see it. Empty means the
	// label and the text of each bar.
	Text string

	// Tick, if not nil, labels the lines at powers of ten: the value with its
	// unit.
	Tick func(value float64) string
}

const (
	rowHeight = 22
	barHeight = 14
	plotWidth = 420
	charWidth = 7 // of a digit in the font's size
	groupGap  = 8 // before a bar with a label, if others have none
)

// colours can be distinguished on white and black pages, and by most people with
// red-green colour blindness.
var colours = []string{"#2f7ed8", "#e0803a", "#8a8f98", "#3aa76d"}

// style has a light and a dark variant. The chart has its own background, because
// a page may be dark although the system is set to light.
const style = `<style>.page{fill:#fff;stroke:#d0d7de}text{font:12px sans-serif;fill:#24292f}.small{fill:#57606a;font-size:11px}` +
	`line{stroke:#24292f}.tick{stroke:#d0d7de}` +
	`@media (prefers-color-scheme:dark){.page{fill:#0d1117;stroke:#30363d}text{fill:#e6edf3}.small{fill:#9198a1}line{stroke:#e6edf3}.tick{stroke:#30363d}}</style>`

// Write writes the chart as one SVG document.
func (c Chart) Write(w io.Writer) error {
	left, right := 0, 0
	low, high := math.Inf(1), 0.0
	grouped := slices.ContainsFunc(c.Bars, func(b Bar) bool { return b.Label == "" })
	ys, below := make([]int, len(c.Bars)), 0
	for i, bar := range c.Bars {
		if grouped && i > 0 && bar.Label != "" {
			below += groupGap
		}
		ys[i] = below
		below += rowHeight
		if !(bar.Value > 0) || math.IsInf(bar.Value, 1) {
			return fmt.Errorf("chart: bar %q has value %v: want more than 0", bar.Label, bar.Value)
		}
		left = max(left, utf8.RuneCountInString(bar.Label))
		right = max(right, utf8.RuneCountInString(bar.Text))
		low, high = min(low, bar.Value), max(high, bar.Value, bar.High)
	}
	low = math.Pow(10, math.Floor(math.Log10(low)-0.3)) // so that the smallest bar has a length
	at := func(v float64) float64 {
		return plotWidth * (math.Log(v) - math.Log(low)) / (math.Log(high) - math.Log(low))
	}
	x0 := float64(left*charWidth + 20)
	top := 54
	if len(c.Names) > 0 {
		top += 20
	}
	width, height := x0+plotWidth+float64(right*charWidth+20), top+below+10
	if c.Tick != nil {
		height += 12
	}

	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" viewBox="0 0 %.0f %d" role="img" aria-labelledby="title text">`+"\n", width, height, width, height)
	fmt.Fprintf(&svg, `<title id="title">%s</title><desc id="text">%s</desc>`+"\n%s\n", escape(c.Title), escape(c.text()), style)
	fmt.Fprintf(&svg, `<rect class="page" x=".5" y=".5" width="%.0f" height="%d" rx="6"/>`+"\n", width-1, height-1)
	fmt.Fprintf(&svg, `<text x="10" y="20" style="font-size:15px;font-weight:bold">%s</text>`+"\n", escape(c.Title))
	fmt.Fprintf(&svg, `<text x="10" y="38" class="small">%s</text>`+"\n", escape(c.Note))
	for i, x := 0, 10; i < len(c.Names); i++ {
		fmt.Fprintf(&svg, `<rect x="%d" y="50" width="12" height="12" fill="%s"/><text x="%d" y="60">%s</text>`+"\n", x, colour(i), x+17, escape(c.Names[i]))
		x += 40 + utf8.RuneCountInString(c.Names[i])*charWidth
	}
	bottom := top + below
	for v := low; c.Tick != nil && v <= high; v *= 10 {
		x := x0 + at(v)
		fmt.Fprintf(&svg, `<line class="tick" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`, x, top-4, x, bottom)
		fmt.Fprintf(&svg, `<text x="%.1f" y="%d" text-anchor="middle" class="small">%s</text>`+"\n", x, bottom+14, escape(c.Tick(v)))
	}
	for i, bar := range c.Bars {
		y := top + ys[i]
		end := at(bar.Value)
		fmt.Fprintf(&svg, `<text x="%.0f" y="%d" text-anchor="end">%s</text>`, x0-8, y+barHeight-3, escape(bar.Label))
		fmt.Fprintf(&svg, `<rect x="%.0f" y="%d" width="%.1f" height="%d" fill="%s"/>`, x0, y, max(end, 1), barHeight, colour(bar.Series))
		if bar.High > bar.Value {
			mid := y + barHeight/2
			fmt.Fprintf(&svg, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`, x0+end, mid, x0+at(bar.High), mid)
			end = at(bar.High)
		}
		fmt.Fprintf(&svg, `<text x="%.1f" y="%d">%s</text>`+"\n", x0+end+6, y+barHeight-3, escape(bar.Text))
	}
	svg.WriteString("</svg>\n")
	_, err := io.WriteString(w, svg.String())
	return err
}

// text returns Text, or the labels and texts of the bars.
func (c Chart) text() string {
	if c.Text != "" {
		return c.Text
	}
	var b strings.Builder
	for _, bar := range c.Bars {
		if bar.Label != "" {
			fmt.Fprintf(&b, "%s:", bar.Label)
		}
		if bar.Series < len(c.Names) {
			fmt.Fprintf(&b, " %s", c.Names[bar.Series])
		}
		fmt.Fprintf(&b, " %s. ", bar.Text)
	}
	return strings.TrimSpace(b.String())
}

func colour(series int) string { return colours[series%len(colours)] }

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder does not fail
	return b.String()
}

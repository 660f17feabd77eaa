package chart_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/chart"
)

// draw returns a chart, which must be XML, and how wide its bars are.
func draw(t *testing.T, c chart.Chart) (text string, widths []string) {
	t.Helper()
	var b strings.Builder
	require.NoError(t, c.Write(&b))
	dec := xml.NewDecoder(strings.NewReader(b.String()))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return b.String(), widths
		}
		require.NoError(t, err)
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "rect" {
			continue
		}
		for _, attr := range start.Attr {
			if attr.Name.Local == "width" && strings.Contains(attr.Value, ".") { // neither the page nor the legend
				widths = append(widths, attr.Value)
			}
		}
	}
}

func TestChart(t *testing.T) {
	text, widths := draw(t, chart.Chart{
		Title: "writes <&> reads", Note: "less is better", Names: []string{"ours", "theirs"},
		Bars: []chart.Bar{
			{Label: "a", Value: 1, Text: "1 ms"},
			{Label: "b", Value: 10, Text: "10 ms", Series: 1},
			{Label: "c", Value: 100, High: 1000, Text: "100 ms"},
		},
	})
	assert.Contains(t, text, "writes &lt;&amp;&gt; reads")
	assert.Contains(t, text, "prefers-color-scheme:dark")
	assert.Equal(t, 1, strings.Count(text, "<line"), "the one with a spread")
	assert.Contains(t, text, `<desc id="text">a: ours 1 ms. b: theirs 10 ms. c: ours 100 ms.</desc>`)
	require.Len(t, widths, 3)
	assert.Equal(t, []string{"105.0", "210.0", "315.0"}, widths, "ten times as much is as far everywhere")
}

func TestTicks(t *testing.T) {
	text, _ := draw(t, chart.Chart{
		Title: "t", Text: "one bar", Tick: func(v float64) string { return fmt.Sprintf("%g things", v) },
		Bars: []chart.Bar{{Label: "a", Value: 1, Text: "1"}, {Label: "b", Value: 200, Text: "200"}},
	})
	for _, tick := range []string{">0.1 things<", ">1 things<", ">10 things<", ">100 things<"} {
		assert.Contains(t, text, tick)
	}
	assert.NotContains(t, text, "1000 things")
	assert.Contains(t, text, `<desc id="text">one bar</desc>`)
}

func TestChartOfOneBar(t *testing.T) {
	_, widths := draw(t, chart.Chart{Title: "t", Bars: []chart.Bar{{Label: "a", Value: 5}}})
	assert.Equal(t, []string{"420.0"}, widths)
}

func TestBarsMustHaveALength(t *testing.T) {
	for _, value := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		err := chart.Chart{Bars: []chart.Bar{{Label: "a", Value: value}}}.Write(io.Discard)
		require.ErrorContains(t, err, `"a"`)
	}
}

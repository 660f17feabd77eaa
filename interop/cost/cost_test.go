// Package cost_test counts the requests of typical days under Litestream's engine,
// over Litestream's S3 client and over ours, and writes what they cost into
// docs/cost.md. The days are played in the time of testing/synctest.
package cost_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/interop/engine"
)

var update = flag.Bool("update", false, "write docs/cost.md")

const (
	document   = "../../docs/cost.md"
	regenerate = "run: cd interop && go test ./cost -update"
)

// Prices of 1000 requests in dollars. Deletions are free.
const (
	classA = 0.005  // uploads, listings
	classB = 0.0004 // reads
)

func dollars(c counts) float64 {
	return float64(c.uploads()+c.lists())*classA/1000 + float64(c.reads())*classB/1000
}

func (c counts) uploads() int {
	return c["PutObject"] + c["CreateMultipartUpload"] + c["UploadPart"] + c["CompleteMultipartUpload"]
}
func (c counts) lists() int { return c["ListObjectsV2"] }
func (c counts) reads() int { return c["GetObject"] + c["HeadObject"] + c["HeadBucket"] }
func (c counts) deletes() int {
	return c["DeleteObjects"] + c["DeleteObject"] + c["AbortMultipartUpload"]
}

// known fails the test if the price of an operation is not known.
func (c counts) known(t *testing.T) {
	t.Helper()
	all := 0
	for _, n := range c {
		all += n
	}
	require.Equal(t, all, c.uploads()+c.lists()+c.reads()+c.deletes(), "%v", c)
}

// TestCost plays everything and holds docs/cost.md to it.
func TestCost(t *testing.T) {
	days := make([][kinds]counts, len(lives()))
	var restores [3][2]counts
	t.Run("play", func(t *testing.T) {
		var mu sync.Mutex
		for i, l := range lives() {
			for k := range kinds {
				t.Run(l.title+"/"+k.String(), func(t *testing.T) {
					t.Parallel()
					c := l.play(t, k)
					c.known(t)
					mu.Lock()
					defer mu.Unlock()
					days[i][k] = c
				})
			}
		}
		t.Run("restores", func(t *testing.T) {
			t.Parallel()
			restores = playRestores(t)
			for _, by := range restores {
				by[0].known(t)
				by[1].known(t)
			}
		})
	})
	if t.Failed() {
		return
	}
	text := report(days, restores)
	if *update {
		require.NoError(t, os.WriteFile(document, []byte(text), 0o644))
		return
	}
	written, err := os.ReadFile(document)
	require.NoError(t, err)
	assert.NoError(t, alike(string(written), text), "docs/cost.md is not of this run; "+regenerate)
}

var number = regexp.MustCompile(`\d[\d,]*(\.\d+)?`)

// alike compares two documents. Where a page ahead was asked for and given up, a
// request more or less is chance, and so is the order of what the engine does in one
// instant: numbers may differ by 5 %.
func alike(written, now string) error {
	if a, b := number.ReplaceAllString(written, "#"), number.ReplaceAllString(now, "#"); a != b {
		return fmt.Errorf("the text differs")
	}
	was, is := number.FindAllString(written, -1), number.FindAllString(now, -1)
	for i := range was {
		a, err1 := strconv.ParseFloat(strings.ReplaceAll(was[i], ",", ""), 64)
		b, err2 := strconv.ParseFloat(strings.ReplaceAll(is[i], ",", ""), 64)
		if err1 != nil || err2 != nil || max(a, b)-min(a, b) > 0.05*max(a, b) && max(a, b)-min(a, b) > 1 {
			return fmt.Errorf("%s is now %s", was[i], is[i])
		}
	}
	return nil
}

func TestAlike(t *testing.T) {
	require.NoError(t, alike("1,000 lists, $0.5", "1,020 lists, $0.5"))
	require.NoError(t, alike("12 lists", "13 lists"))
	require.Error(t, alike("1,000 lists", "1,060 lists"))
	require.Error(t, alike("1,000 lists", "1,000 reads"))
	require.Error(t, alike("12 lists", "14 lists"))
}

// TestUnplayedSyncs: a write more is an upload more, and nothing else, which is what
// the days that are played with few writes rely on.
func TestUnplayedSyncs(t *testing.T) {
	var by [2]counts
	for i, every := range []time.Duration{10 * time.Second, 2 * time.Second} {
		w := newWorld(t, 0)
		synctest.Test(t, func(t *testing.T) {
			db := w.begin(t, ours, engine.Config{SyncInterval: every})
			db.until(10*time.Minute, every)
			w.layer.Reset()
			db.until(20*time.Minute, every)
			by[i] = w.layer.Counts()
		})
	}
	few, many := by[0], by[1]
	// One more or less, as in alike: what the engine does in one instant has no order.
	require.InDelta(t, 10*60/2-10*60/10, many.uploads()-few.uploads(), 1)
	require.InDelta(t, few.lists(), many.lists(), 1)
	require.InDelta(t, few.reads(), many.reads(), 1)
}

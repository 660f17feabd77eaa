package cache_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/cache"
)

// A client that panics does so in every caller that waits for it, and nothing of it is
// kept.
func TestPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(cache.Config{})
		for txid := ltx.TXID(1); txid <= 3; txid++ {
			put(t, w.other, txid, []byte("body"))
		}
		w.next.OpenLTXFileFunc = func(context.Context, int, ltx.TXID, ltx.TXID, int64, int64) (io.ReadCloser, error) {
			time.Sleep(time.Second)
			panic("mine")
		}
		w.next.LTXFilesFunc = func(context.Context, int, ltx.TXID, bool) (ltx.FileIterator, error) {
			time.Sleep(time.Second)
			panic("mine")
		}
		for _, do := range []func(){
			func() { _, _ = w.OpenLTXFile(t.Context(), 0, 1, 1, 0, 2) },
			func() {
				files, err := w.LTXFiles(t.Context(), 0, 0, false)
				assert.NoError(t, err)
				defer files.Close()
				files.Next()
			},
		} {
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() { assert.PanicsWithValue(t, "mine", do) })
			}
			wg.Wait()
		}
		w.next.OpenLTXFileFunc, w.next.LTXFilesFunc = nil, nil
		assert.Len(t, list(t, w, 0), 3)
		assert.EqualValues(t, "od", read(t, w, 1, 1, 2))
	})
}

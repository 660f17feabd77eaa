package ltxio

import (
	"cmp"
	"context"
	"io"
	"slices"
	"sync"

	"github.com/superfly/ltx"
)

// TornFiles collects the files reported to the function of ltxstore.WithTorn. Add is safe for
// concurrent use. The zero value is ready to use.
type TornFiles struct {
	mu    sync.Mutex
	files map[name]ltx.FileInfo
}

type name struct {
	level    int
	min, max ltx.TXID
}

// Add adds a file.
func (f *TornFiles) Add(info ltx.FileInfo) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.files == nil {
		f.files = make(map[name]ltx.FileInfo)
	}
	f.files[name{info.Level, info.MinTXID, info.MaxTXID}] = info
}

// Lost returns the files that cannot be opened, sorted, and removes all. A mirror reports a file that
// is torn in one of its stores, but can open it from another one. Lost calls OpenLTXFile for each
// file. It returns none if ctx is done.
func (f *TornFiles) Lost(ctx context.Context, client interface {
	OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error)
}) []ltx.FileInfo {
	f.mu.Lock()
	noted := f.files
	f.files = nil
	f.mu.Unlock()
	var lost []ltx.FileInfo
	for _, info := range noted {
		rc, err := client.OpenLTXFile(ctx, info.Level, info.MinTXID, info.MaxTXID, 0, 1)
		switch {
		case ctx.Err() != nil && err != nil:
			return nil
		case err != nil:
			lost = append(lost, info)
		default:
			_ = rc.Close() // nothing has been read
		}
	}
	slices.SortFunc(lost, compare)
	return lost
}

func compare(a, b ltx.FileInfo) int {
	return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.MinTXID, b.MinTXID), cmp.Compare(a.MaxTXID, b.MaxTXID))
}

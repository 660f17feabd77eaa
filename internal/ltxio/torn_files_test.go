package ltxio_test

import (
	"context"
	"io"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// store opens the files of level 1.
type store struct{ closed int }

func (s *store) OpenLTXFile(_ context.Context, level int, _, _ ltx.TXID, _, size int64) (io.ReadCloser, error) {
	if level != 1 || size != 1 {
		return nil, fs.ErrNotExist
	}
	return s, nil
}
func (s *store) Read([]byte) (int, error) { return 0, io.EOF }
func (s *store) Close() error             { s.closed++; return nil }

func TestFiles(t *testing.T) {
	var files ltxio.TornFiles
	info := func(level int, minTXID, maxTXID ltx.TXID) ltx.FileInfo {
		return ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	}
	for _, f := range []ltx.FileInfo{info(2, 3, 4), info(1, 1, 2), info(0, 3, 4), info(2, 3, 4), info(0, 3, 3)} {
		files.Add(f)
	}
	var s store
	assert.Equal(t, []ltx.FileInfo{info(0, 3, 3), info(0, 3, 4), info(2, 3, 4)}, files.Lost(t.Context(), &s))
	assert.Equal(t, 1, s.closed)
	assert.Empty(t, files.Lost(t.Context(), &s), "they are forgotten")

	files.Add(info(0, 3, 3))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Empty(t, files.Lost(ctx, &s), "under a context that has ended nothing is known")
}

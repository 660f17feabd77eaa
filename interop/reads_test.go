package interop_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// checkReads holds the reads of the root package, over client, to what the
// files on disk say through ltx's own decoder. Without exact the client tells times
// in whole seconds, or those of the server.
func checkReads(t *testing.T, tr tree, dir string, client ltxstore.ReplicaClient, exact bool) {
	var pages int
	for level := range tr.dirs {
		paths := tr.files(t, dir, level)
		infos := list(t, client, level)
		require.Len(t, infos, len(paths), "level %d", level)
		for i, info := range infos {
			require.Equal(t, ltx.FormatFilename(info.MinTXID, info.MaxTXID), filepath.Base(paths[i]))
			pages += checkFile(t, client, info, paths[i], exact)
		}
	}
	require.Greater(t, pages, 100, "too few pages to mean anything")
}

func checkFile(t *testing.T, client ltxstore.ReplicaClient, info *ltx.FileInfo, path string, exact bool) (pages int) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	stat, err := f.Stat()
	require.NoError(t, err)
	assert.Equal(t, stat.Size(), info.Size)

	dec := ltx.NewDecoder(f)
	require.NoError(t, dec.DecodeHeader())
	want := dec.Header()
	if exact {
		assert.Equal(t, want.Timestamp, info.CreatedAt.UnixMilli())
	} else {
		assert.WithinDuration(t, time.UnixMilli(want.Timestamp), info.CreatedAt, patience)
	}
	hdr, err := ltxstore.FetchLTXHeader(t.Context(), client, info)
	require.NoError(t, err)
	assert.Equal(t, want, hdr)

	index, err := ltxstore.FetchPageIndex(t.Context(), client, info)
	require.NoError(t, err)
	data := make([]byte, want.PageSize)
	for {
		var page ltx.PageHeader
		err := dec.DecodePage(&page, data)
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		pages++
		elem, ok := index[page.Pgno]
		require.True(t, ok, "page %d is not in the index of %s", page.Pgno, path)
		_, got, err := ltxstore.FetchPage(t.Context(), client, info.Level, info.MinTXID, info.MaxTXID, elem.Offset, elem.Size)
		require.NoError(t, err)
		// Not assert.Equal: it would print whole pages.
		require.True(t, string(data) == string(got), "page %d of %s differs", page.Pgno, path)
	}
	require.NoError(t, dec.Close(), "the file itself is whole")
	assert.Len(t, index, pages)
	return pages
}

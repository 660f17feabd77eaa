package gcs

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

func keyOf(txid int) string {
	return fmt.Sprintf("db/ltx/0000/%016x-%016x.ltx", txid, txid)
}

// A late seek is one request, and says where to begin and what is wanted.
func TestListSeek(t *testing.T) {
	b := newBench(t, gcsfake.Options{PageSize: 100}, nil)
	for i := 1; i <= 1000; i++ {
		b.server.Put("bucket", keyOf(i), []byte("x"))
	}
	b.faults.Record()
	files, err := b.list(t, 991, true)
	require.NoError(t, err)
	assert.Len(t, files, 10)
	assert.Equal(t, 1, b.faults.Counts()["ListObjects"])
	q, err := url.ParseQuery(b.faults.Log()[0].Query)
	require.NoError(t, err)
	assert.Equal(t, "db/ltx/0000/", q.Get("prefix"))
	assert.Equal(t, "db/ltx/0000/00000000000003df", q.Get("startOffset"))
	assert.Equal(t, "/", q.Get("delimiter"))
	assert.Equal(t, "1000", q.Get("maxResults"))
	assert.Equal(t, "noAcl", q.Get("projection"))
	fields, ok := strings.CutPrefix(q.Get("fields"), "kind,nextPageToken,prefixes,items(")
	assert.True(t, ok, q.Get("fields"))
	assert.ElementsMatch(t, []string{"metadata", "name", "size", "timeCreated"}, strings.Split(strings.TrimSuffix(fields, ")"), ","))

	b.faults.Reset()
	files, err = b.list(t, 0, false)
	require.NoError(t, err)
	assert.Len(t, files, 1000)
	// Pages are fetched in parallel, of which a tenth or so may be asked for in vain.
	assert.GreaterOrEqual(t, b.faults.Counts()["ListObjects"], 10)
	assert.LessOrEqual(t, b.faults.Counts()["ListObjects"], 12)
}

// What we have written costs no request beyond the pages, with useMetadata or
// without; another tool's copy costs one small read each, and only then.
func TestListTimes(t *testing.T) {
	created := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	b := newBench(t, gcsfake.Options{Clock: func() time.Time { return created }}, nil)
	_, err := b.write(t, bytes.NewReader(ltxBody(t, 300)))
	require.NoError(t, err)
	for _, useMetadata := range []bool{false, true} {
		b.faults.Reset()
		files, err := b.list(t, 0, useMetadata)
		require.NoError(t, err)
		require.Len(t, files, 1)
		assert.Equal(t, testTime, files[0].CreatedAt)
		b.counts(t, map[string]int{"ListObjects": 1})
	}

	b.server.Strip("bucket", testKey)
	b.server.Put("bucket", keyOf(2), []byte("plain"))
	b.faults.Reset()
	files, err := b.list(t, 0, false)
	require.NoError(t, err)
	assert.Equal(t, created, files[0].CreatedAt, "the object's, for nothing")
	b.counts(t, map[string]int{"ListObjects": 1})

	b.faults.Reset()
	b.faults.Record()
	files, err = b.list(t, 0, true)
	require.NoError(t, err)
	assert.Equal(t, testTime, files[0].CreatedAt)
	assert.Equal(t, created, files[1].CreatedAt)
	b.counts(t, map[string]int{"ListObjects": 1, "ReadObject": 2})
	for _, entry := range b.faults.Log() {
		if entry.Operation == "ReadObject" {
			assert.Equal(t, "bytes=0-99", entry.Header.Get("Range"))
		}
	}
}

func TestListWithoutATime(t *testing.T) {
	b := newBench(t, gcsfake.Options{Omit: []string{"timeCreated", "metadata"}}, nil)
	b.server.Put("bucket", testKey, ltxBody(t, 300))
	files, err := b.list(t, 0, false)
	require.NoError(t, err)
	assert.Equal(t, testTime, files[0].CreatedAt, "never zero")
	b.server.Put("bucket", keyOf(2), []byte("plain"))
	_, err = b.list(t, 0, false)
	assert.ErrorContains(t, err, keyOf(2)+": store returned no time")
}

// A listing that does not tell a file's size does not hide the file.
func TestListWithoutASize(t *testing.T) {
	b := newBench(t, gcsfake.Options{Omit: []string{"size"}}, nil)
	b.server.Put("bucket", testKey, ltxBody(t, 300))
	size := fmt.Sprintf(`{"kind":"storage#object","name":%q,"generation":"1","size":"300"}`, testKey)
	b.fail("GetObject", -1, jsonAnswer(200, size))
	files, err := b.list(t, 0, false)
	require.NoError(t, err)
	require.Len(t, files, 1)
	assert.EqualValues(t, 300, files[0].Size)
}

func TestListBadHeader(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	b.server.Put("bucket", testKey, append([]byte(ltx.Magic), make([]byte, 200)...))
	_, err := b.list(t, 0, true)
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	assert.ErrorContains(t, err, testKey)
}

// A listing that breaks off, or whose answer is cut, is never taken for whole.
func TestListBreaks(t *testing.T) {
	for name, do := range map[string]httpfault.Effect{
		"truncated": httpfault.Truncate(100), "reset": httpfault.ResetAfter(100), "refused": httpfault.Refuse(),
		"500": httpfault.Status(500, nil, ""), "HTML": httpfault.HTML(502),
	} {
		for _, times := range []int{1, -1} {
			b := newBench(t, gcsfake.Options{PageSize: 10}, nil)
			for i := 1; i <= 25; i++ {
				b.server.Put("bucket", keyOf(i), []byte("x"))
			}
			b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "ListObjects"}, Skip: 1, Times: times, Do: do})
			files, err := b.list(t, 0, false)
			if times == 1 {
				require.NoError(t, err, name)
				assert.Len(t, files, 25)
				b.counts(t, map[string]int{"ListObjects": 4})
				continue
			}
			require.Error(t, err, name)
			assert.True(t, ltxstore.IsRetryable(err), "%s: %v", name, err)
			assert.Len(t, files, 10)
			tries := 3
			if name == "refused" {
				tries++ // package net/http repeats a request by itself that a kept connection was closed under
			}
			assert.Equal(t, 1+tries, b.faults.Counts()["ListObjects"], name)
		}
	}

	b := newBench(t, gcsfake.Options{}, nil)
	b.fail("ListObjects", -1, httpfault.HTML(200))
	_, err := b.list(t, 0, false)
	require.Error(t, err, "a proxy's page is no empty listing")
	assert.NotErrorIs(t, err, fs.ErrNotExist)
}

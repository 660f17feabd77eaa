package webdav

import (
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// Errors say which server they are of, also those of an answer.
func TestErrorsNameTheServer(t *testing.T) {
	s := start(t)
	s.script(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusInsufficientStorage)
		return true
	})
	c := s.client(impatient)
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("x"))
	require.ErrorContains(t, err, "507")
	assert.ErrorContains(t, err, "("+s.URL+"/backups/db)")
}

// A range is what Content-Range says, also if the status is that of a whole file.
func TestRangeWithAnotherStatus(t *testing.T) {
	s := start(t)
	c := s.client(impatient)
	body := strings.Repeat("0123456789", 100)
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader(body))
	require.NoError(t, err)
	s.script(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		w.Header().Set("Content-Range", "bytes 100-149/1000")
		w.Header().Set("Content-Length", "50")
		_, _ = io.WriteString(w, body[100:150])
		return true
	})
	got, err := read(t, c, 100, 50)
	require.NoError(t, err)
	assert.Equal(t, body[100:150], got)
	_, err = read(t, c, 200, 50)
	require.Error(t, err, "another range")
}

// A multistatus is what a server answers if it has not done all, and is no success.
func TestMultistatusIsNotSuccess(t *testing.T) {
	for _, method := range []string{"DELETE", "MOVE", "MKCOL"} {
		s := start(t)
		c := s.client(impatient)
		require.NoError(t, write(t, c, "x"))
		asked := 0
		s.script(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != method {
				return false
			}
			asked++
			w.WriteHeader(http.StatusMultiStatus)
			_, _ = io.WriteString(w, `<multistatus xmlns="DAV:"><response><href>`+r.URL.Path+`</href><status>HTTP/1.1 423 Locked</status></response></multistatus>`)
			return true
		})
		var err error
		switch method {
		case "DELETE":
			err = c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}})
			require.Error(t, c.DeleteAll(t.Context()))
		default:
			_, err = c.WriteLTXFile(t.Context(), 1, 2, 2, strings.NewReader("y"))
		}
		require.ErrorContains(t, err, method+" returned 207")
		assert.NotErrorIs(t, err, fs.ErrNotExist)
		assert.Positive(t, asked)
		s.script(nil)
		found, err := ltxstore.FindLTXFiles(t.Context(), c, 0, false, all)
		require.NoError(t, err)
		assert.Len(t, found, 1)
	}
}

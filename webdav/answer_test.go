package webdav

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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

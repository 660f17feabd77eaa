//go:build servers

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/litestream/daemon"
)

// TestStatusPage looks at the status page in Chromium: what a reader sees, and
// whether it fits a telephone. LTXSTORED_SCREENSHOTS names a folder for pictures of it.
func TestStatusPage(t *testing.T) {
	const long = "a-directory-whose-name-is-long-and-has-no-place-to-break-the-line-at"
	h := newHost(t, `
addr: 127.0.0.1:0
validation: {interval: 50ms}
dbs:
  - {path: $DIR/app.db, monitor-interval: 20ms, replicas: [{path: $DIR/r, sync-interval: 20ms}, {path: $DIR/other, sync-interval: 20ms}]}
  - {path: $DIR/failing.db, monitor-interval: 20ms, replica: {path: $DIR/`+long+`, must-exist: true, sync-interval: 20ms}}
  - {path: $DIR/missing.db, replica: {path: $DIR/never}}
`)
	require.NoError(t, os.Mkdir(h.path(long), 0o755))
	h.execOn("failing.db", `CREATE TABLE t (x)`)
	r := h.start()
	url := r.url()
	var app, failing, missing daemon.DatabaseStatus
	status := func() daemon.Status {
		response, err := http.Get(url + "status")
		require.NoError(t, err)
		defer response.Body.Close()
		var s daemon.Status
		require.NoError(t, json.NewDecoder(response.Body).Decode(&s))
		require.Len(t, s.Databases, 3)
		app, failing, missing = s.Databases[0], s.Databases[1], s.Databases[2]
		return s
	}
	r.eventually(func() bool { status(); return app.Check.OK && failing.Healthy }, "replicated and checked")
	require.NoError(t, os.Rename(h.path(long), h.path("gone"))) // in one step: files may be written to it
	h.execOn("failing.db", `INSERT INTO t VALUES (1)`)
	r.eventually(func() bool { status(); return failing.Lag > 0 && len(failing.Problems) > 1 && app.Healthy }, "one fails")
	assert.NotEmpty(t, missing.Problems)

	b := browse(t, url)
	r.eventually(func() bool { return strings.Contains(b.text(), "Last check") }, "the page is there")
	text := b.text()
	assert.Contains(t, text, "ltxstored: 2 of 3 databases with problems")
	begin := func(db daemon.DatabaseStatus, mark string) int {
		at := strings.Index(text, db.Path+" "+mark)
		require.GreaterOrEqual(t, at, 0, text)
		return at
	}
	first, second, last := begin(failing, "problems"), begin(missing, "problems"), begin(app, "healthy")
	assert.True(t, first < second && second < last, "problems first:\n%s", text)
	for _, want := range []string{"replicated " + failing.Replicated.String(), "1 transaction,", "store not found", long, "last failure", "Last check", "failed"} {
		assert.Contains(t, text[first:second], want)
	}
	assert.Contains(t, text[second:last], "the database does not exist")
	for _, want := range []string{"Position", app.TXID.String() + ", replicated " + app.TXID.String(), "Lag", "none, in sync", h.path("r"), h.path("other"),
		"last write", "Can be restored", app.Window.Oldest.Format("2006-01-02 15:04"), "transaction " + app.Window.TXID.String(), "Last check", "sound"} {
		assert.Contains(t, text[last:], want)
	}

	for _, width := range []int{1200, 320} {
		b.resize(width)
		assert.LessOrEqual(t, eval[int](b, "document.documentElement.scrollWidth"), width, "nothing sticks out")
		if folder := os.Getenv("LTXSTORED_SCREENSHOTS"); folder != "" {
			b.dark(width == 320)
			b.screenshot(filepath.Join(folder, fmt.Sprintf("status-%d.png", width)))
		}
	}
}

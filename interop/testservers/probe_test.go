//go:build servers

package testservers

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/backend/tree"
	"github.com/ltxstore/ltxstore/webdav"
)

// methods counts the requests of each method.
type methods map[string]int

func (m methods) RoundTrip(r *http.Request) (*http.Response, error) {
	m[r.Method]++
	return http.DefaultTransport.RoundTrip(r)
}

// What Init finds out of each server, before the replica's collection is there
// and after that: where a MOVE is atomic, a missing file is not looked for again.
func TestWebDAVProbe(t *testing.T) {
	for name, test := range map[string]struct {
		start        func(testing.TB) *dav
		atomic, racy bool
	}{
		"mod_dav": {startApache, false, true},
		"dav-ext": {startNginx, true, false},
		"x/net":   {startRclone, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := test.start(t)
			for _, made := range []bool{false, true} {
				asked, log := methods{}, bytes.Buffer{}
				c := webdav.NewReplicaClient(webdav.Config{URL: d.url, Path: "probe", Username: davUser, Password: davPassword,
					Options: tree.Options{WriteOnce: true}, HTTP: transport.Options{RoundTripper: asked}, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
				_, err := c.OpenLTXFile(t.Context(), 0, 7, 7, 0, 0)
				require.Error(t, err)
				want := methods{"OPTIONS": 1, "GET": 1, "PROPFIND": 1} // of the level, which is there
				if !made {
					want["PROPFIND"] += 3 // of what is above it
				}
				if !test.atomic {
					want["PROPFIND"]++ // of the file
				}
				assert.Equal(t, want, asked, "made: %v", made)
				assert.Contains(t, log.String(), name)
				assert.Equal(t, test.racy, strings.Contains(log.String(), "does not enforce write-once"))
				_, err = c.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("body"))
				require.NoError(t, err)
				require.NoError(t, c.Close())
			}
		})
	}
}

package webdav

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// operations are one of each kind, on a file that is there.
func operations(t *testing.T, c *ReplicaClient) map[string]error {
	_, open := read(t, c, 0, 0)
	_, levels := c.LTXLevels(t.Context())
	it, list := c.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, list)
	for it.Next() {
	}
	return map[string]error{
		"open": open, "levels": levels, "list": it.Close(),
		"delete":     c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}),
		"delete all": c.DeleteAll(t.Context()),
	}
}

// A proxy without a route to the server, or before another one, answers for all
// that is there: nothing is missing for that, no listing is empty, and nothing
// counts as deleted.
func TestProxy(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request){
		"404": func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) },
		"410": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "gone", http.StatusGone) },
		"409": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "conflict", http.StatusConflict) },
		"405": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusMethodNotAllowed) },
		"301": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://127.0.0.1:1/", http.StatusMovedPermanently)
		},
		"204": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"gzip": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "\x1f\x8b")
		},
		"page": func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet { // it cannot be told from a file
				w.WriteHeader(http.StatusBadGateway)
			}
			_, _ = io.WriteString(w, "<html></html>")
		},
	} {
		for _, atomicMove := range []bool{false, true} {
			t.Run(fmt.Sprint(name, atomicMove), func(t *testing.T) {
				s := start(t)
				c := s.client(func(cfg *Config) {
					cfg.AtomicMove, cfg.Retry.MaxAttempts = &atomicMove, 1
				})
				require.NoError(t, write(t, c, "x"))
				s.script(func(w http.ResponseWriter, r *http.Request) bool { answer(w, r); return true })
				for op, err := range operations(t, c) {
					require.Error(t, err, op)
					require.NotErrorIs(t, err, fs.ErrNotExist, op)
				}
				s.script(nil)
				got, err := read(t, c, 0, 0)
				require.NoError(t, err)
				assert.Equal(t, "x", got)
			})
		}
	}
}

// A missing file costs a request more, which finds its level; a missing replica as
// many as there are collections missing above.
func TestMissingIsConfirmed(t *testing.T) {
	s := start(t)
	c := s.client(same)
	_, err := read(t, c, 0, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
	for op, err := range operations(t, c) {
		if op != "open" {
			require.NoError(t, err, op)
		}
	}
	require.NoError(t, write(t, c, "x"))
	asked := 0
	s.script(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == "PROPFIND" {
			asked++
		}
		return false
	})
	_, err = c.OpenLTXFile(t.Context(), 0, 2, 2, 0, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.Equal(t, 2, asked)
}

// propfind answers PROPFIND with a multistatus.
func propfind(format string, args ...any) func(w http.ResponseWriter, r *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != "PROPFIND" {
			return false
		}
		w.WriteHeader(http.StatusMultiStatus)
		fmt.Fprintf(w, `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">`+format+`</D:multistatus>`, args...)
		return true
	}
}

const (
	collection = `<D:response><D:href>%s/</D:href><D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`
	noLength   = `<D:response><D:href>%s</D:href><D:propstat><D:prop><D:getcontentlength/></D:prop><D:status>HTTP/1.1 %d X</D:status></D:propstat><D:propstat><D:prop><D:resourcetype/></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`
	withLength = `<D:response><D:href>%s</D:href><D:propstat><D:prop><D:getcontentlength>%s</D:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`
	noProps    = `<D:response><D:href>%s</D:href><D:propstat><D:prop><D:resourcetype/></D:prop><D:status>HTTP/1.1 %d X</D:status></D:propstat></D:response>`
	onlyStatus = `<D:response><D:href>%s</D:href><D:status>HTTP/1.1 %d X</D:status></D:response>`
)

// A listing of another collection, as behind a proxy that changes paths, and one
// that does not tell what it must, is not one of no files.
func TestStrangeListings(t *testing.T) {
	const level = "/backups/db/ltx/0000"
	file := level + "/" + ltx.FormatFilename(1, 1)
	for name, test := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request) bool
		kind   error
	}{
		"empty":             {propfind(""), ltxstore.ErrUnavailable},
		"another":           {propfind(collection, "/internal"+level), ltxstore.ErrUnavailable},
		"without self":      {propfind(noLength, file, 200), nil},
		"no length":         {propfind(collection+noLength, level, file, 404), nil},
		"length, no number": {propfind(collection+withLength, level, file, "1x"), nil},
		"length below 0":    {propfind(collection+withLength, level, file, "-1"), nil},
		"denied length":     {propfind(collection+noLength, level, file, 403), nil},
		"denied file":       {propfind(collection+noProps, level, file, 403), fs.ErrPermission},
		"failed file":       {propfind(collection+onlyStatus, level, file, 500), ltxstore.ErrUnavailable},
		"no code":           {propfind(collection+`<D:response><D:href>%s</D:href><D:status>200</D:status></D:response>`, level, file), nil},
		"denied folder":     {propfind(onlyStatus, level+"/", 403), fs.ErrPermission},
		"cut by a limit":    {propfind(collection+onlyStatus, level, level+"/", 507), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			c := s.client(func(cfg *Config) { cfg.Retry.MaxAttempts = 1 })
			require.NoError(t, write(t, c, "x"))
			s.script(test.answer)
			it, err := c.LTXFiles(t.Context(), 0, 0, false)
			require.NoError(t, err)
			assert.False(t, it.Next())
			err = it.Close()
			require.Error(t, err)
			require.NotErrorIs(t, err, fs.ErrNotExist)
			if test.kind != nil {
				require.ErrorIs(t, err, test.kind)
			}
			require.Error(t, c.DeleteAll(t.Context()))
		})
	}
	s := start(t)
	c := s.client(same)
	// What is deleted meanwhile, what is elsewhere, and a stranger, even one without a
	// size, is not listed.
	const elsewhere = `<D:response><D:href>/backups/db/ltx/0001/0000000000000001-0000000000000001.ltx</D:href><D:propstat><D:prop><D:getcontentlength>1</D:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`
	s.script(propfind(collection+elsewhere+noProps+onlyStatus+noLength, level, file, 404, file, 404, level+"/notes", 404))
	it, err := c.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, err)
	assert.False(t, it.Next())
	require.NoError(t, it.Close())
}

// An answer without an end, or with a part that is too long, is an error, and
// not read into memory.
func TestEndlessListing(t *testing.T) {
	for _, begin := range []string{"<D:response><D:href>", "<D:response>", "<!--", "<D:responsedescription>", "</D:multistatus>"} {
		s := start(t)
		c := s.client(func(cfg *Config) { cfg.Retry.MaxAttempts = 1 })
		var sent atomic.Int64
		s.script(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != "PROPFIND" {
				return false
			}
			w.WriteHeader(http.StatusMultiStatus)
			fmt.Fprint(w, `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">`+begin)
			for err := error(nil); err == nil && sent.Add(4096) < 64<<20; {
				_, err = io.WriteString(w, strings.Repeat(" ", 4096))
			}
			return true
		})
		_, err := c.LTXLevels(t.Context())
		require.ErrorIs(t, err, ltxstore.ErrUnavailable, begin)
		if begin != "</D:multistatus>" {
			assert.ErrorContains(t, err, "too long", begin)
		}
		assert.Less(t, sent.Load(), int64(64<<20), begin)
	}
}

// A listing that stops in the middle fails by IdleTimeout.
func TestStalledListing(t *testing.T) {
	s := start(t)
	c := s.client(func(cfg *Config) {
		cfg.Retry.MaxAttempts, cfg.IdleTimeout, cfg.HTTP.ResponseTimeout = 1, 50*time.Millisecond, 50*time.Millisecond
	})
	s.script(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != "PROPFIND" {
			return false
		}
		w.WriteHeader(http.StatusMultiStatus)
		fmt.Fprint(w, `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	})
	_, err := c.LTXLevels(t.Context())
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
}

// A listing that ends too early, of no length that would tell, is asked for again.
func TestListingIsCutOff(t *testing.T) {
	for _, at := range []int64{0, 30, 150, 300} {
		s := start(t)
		c := s.client(func(cfg *Config) { cfg.Retry = ltxstore.Retry{MaxAttempts: 3, BaseDelay: 1, MaxDelay: 1} })
		require.NoError(t, write(t, c, "x"))
		var n atomic.Int64
		s.script(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != "PROPFIND" || n.Add(1) > 1 {
				return false
			}
			httpfault.Shorten(at)(httpfault.Exchange{Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				propfind(collection+withLength, "/backups/db/ltx/0000", "/backups/db/ltx/0000/0000000000000001-0000000000000001.ltx", "1")(w, r)
			})}, w, r)
			return true
		})
		found, err := ltxstore.FindLTXFiles(t.Context(), c, 0, false, all)
		require.NoError(t, err)
		assert.Len(t, found, 1)
	}
}

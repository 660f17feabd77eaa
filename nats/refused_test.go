package nats_test

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/nats"
)

const refusedHere = "refused by the test"

// refuse answers the request with the number of which with a status, and returns what
// that was.
func (f *service) refuse(which int, code string) (refused func() string) {
	var mu sync.Mutex
	n, what := 0, ""
	f.set(func() {
		f.answer = func(subject string, _ []byte) (headers, body string, ok bool) {
			op, isAPI := strings.CutPrefix(subject, "$JS.API.")
			switch {
			case !isAPI && !strings.HasPrefix(subject, "$O."):
				return "", "", false
			case strings.Contains(subject, ".C."):
				op = "chunk"
			case !isAPI:
				op = "description"
			default:
				op, _, _ = strings.Cut(op, "."+"OBJ_"+f.bucket)
			}
			mu.Lock()
			defer mu.Unlock()
			if n++; n-1 != which {
				return "", "", false
			}
			if what = op; strings.HasPrefix(op, "DIRECT.") || strings.HasPrefix(op, "CONSUMER.MSG.") {
				return "NATS/1.0 400 " + refusedHere, "", true
			}
			return "", `{"error":{"code":` + code + `,"err_code":19999,"description":"` + refusedHere + `"}}`, true
		}
	})
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return what
	}
}

// Whichever request the server refuses, the call says so, unless it does not matter,
// and what is said to be done is done.
func TestEachRefusedRequestIsTold(t *testing.T) {
	server := start(t, nil)
	files := []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}, {MinTXID: 2, MaxTXID: 2}}
	put := func(t *testing.T, c *nats.ReplicaClient, txid ltx.TXID, body io.Reader) error {
		_, err := c.WriteLTXFile(t.Context(), 0, txid, txid, body)
		return err
	}
	for name, tt := range map[string]struct {
		do        func(t *testing.T, c *nats.ReplicaClient) error
		left      int      // files, once it is done
		tolerated []string // requests that may be refused
		once      bool
	}{
		"list": {left: 2, tolerated: []string{"DIRECT.GET"}, do: func(t *testing.T, c *nats.ReplicaClient) error {
			it, err := c.LTXFiles(t.Context(), 0, 0, true)
			if err != nil {
				return err
			}
			found, err := ltx.SliceFileIterator(it)
			assert.True(t, err != nil || len(found) == 2)
			return err
		}},
		"read": {left: 2, tolerated: []string{"DIRECT.GET"}, do: func(t *testing.T, c *nats.ReplicaClient) error {
			r, err := c.OpenLTXFile(t.Context(), 0, 2, 2, 5, 0)
			if err != nil {
				return err
			}
			defer r.Close()
			got, err := io.ReadAll(r)
			assert.True(t, err != nil || bytes.Equal(got, body(t, 2, 20)[5:]))
			return err
		}},
		"write":   {left: 3, do: func(t *testing.T, c *nats.ReplicaClient) error { return put(t, c, 3, bytes.NewReader(body(t, 3, 20))) }},
		"replace": {left: 2, tolerated: []string{"STREAM.PURGE"}, do: func(t *testing.T, c *nats.ReplicaClient) error { return put(t, c, 1, bytes.NewReader(body(t, 1, 3))) }},
		"write once": {left: 3, once: true, do: func(t *testing.T, c *nats.ReplicaClient) error {
			return put(t, c, 3, struct{ io.Reader }{bytes.NewReader(body(t, 3, 20))})
		}},
		"delete":     {do: func(t *testing.T, c *nats.ReplicaClient) error { return c.DeleteLTXFiles(t.Context(), files) }},
		"delete all": {tolerated: []string{"DIRECT.GET"}, do: func(t *testing.T, c *nats.ReplicaClient) error { return c.DeleteAll(t.Context()) }},
	} {
		t.Run(name, func(t *testing.T) {
			for which, what := 0, "all"; what != ""; which++ {
				f, err := newService(server, 1, jetstream.FileStorage, nats.Config{WriteOnce: tt.once})
				require.NoError(t, err)
				writer := f.client(nil)
				for _, file := range files {
					write(t, writer, file.MinTXID, body(t, file.MinTXID, 20))
				}
				require.NoError(t, writer.Close())
				c := f.client(func(cfg *nats.Config) { cfg.Retry.MaxAttempts = 1 })
				require.NoError(t, c.Init(t.Context()))
				refused := f.refuse(which, "400")
				err = tt.do(t, c)
				f.set(func() { f.answer = nil })
				if what = refused(); err != nil {
					assert.NotEmpty(t, what, "nothing was refused: %v", err)
					assert.ErrorContains(t, err, refusedHere, what)
				} else {
					assert.Contains(t, append(tt.tolerated, ""), what, "it was refused, and nobody was told")
					assert.Len(t, list(t, c), tt.left, "request %d, %s", which, what)
				}
				require.NoError(t, c.Close())
				require.NoError(t, f.end())
			}
		})
	}
}

// A replacement is written also if a request for what is replaced fails for once: it
// is asked for again.
func TestReplacedDescriptionIsAskedForAgain(t *testing.T) {
	f, c := serve(t, nats.Config{})
	write(t, c, 1, body(t, 1, 20))
	for which, asked := 0, false; !asked; which++ {
		require.Less(t, which, 20)
		refused := f.refuse(which, "503")
		write(t, c, 1, body(t, 1, 2+which))
		asked = refused() == "STREAM.MSG.GET"
		f.set(func() { f.answer = nil })
		assert.Equal(t, body(t, 1, 2+which), read(t, c, 1, 0, 0))
	}
}

// A file whose description is damaged is not deleted as if it were another: what it
// has for chunks is not known.
func TestDeleteOfADamagedDescription(t *testing.T) {
	f, c := serve(t, nats.Config{})
	write(t, c, 1, body(t, 1, 20))
	for _, damaged := range []string{"{", `{"name":"another","nuid":"x"}`} {
		f.describe(t, 1, damaged)
		err := c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}})
		require.ErrorIs(t, err, ltxstore.ErrChecksum)
		assert.ErrorContains(t, err, "description of")
		assert.NotEmpty(t, f.chunks(t))
	}
}

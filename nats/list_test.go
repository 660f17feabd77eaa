package nats_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/nats"
)

// What a read finds does not depend on the server that answers: one that lags behind,
// which has no chunk or the first ones only, or one that is too old to send several
// at once.
func TestChunksOfAnyServer(t *testing.T) {
	f, writer := serve(t, nats.Config{})
	contents := map[ltx.TXID][]byte{}
	for txid := ltx.TXID(1); txid <= 5; txid++ {
		contents[txid] = body(t, txid, 20)
		write(t, writer, txid, contents[txid])
	}
	stream, err := f.js.Stream(t.Context(), "OBJ_"+f.bucket)
	require.NoError(t, err)

	for name, knows := range map[string]uint64{"a server without a message": 0, "a server that lags behind": 12, "an old server": 1000} {
		t.Run(name, func(t *testing.T) {
			c := f.client(func(cfg *nats.Config) { cfg.Transfer = object.Options{PartSize: testChunk} })
			defer c.Close()
			var asked atomic.Int64
			f.set(func() {
				f.answer = func(subject string, payload []byte) (string, string, bool) {
					if !strings.HasPrefix(subject, "$JS.API.DIRECT.GET.") {
						return "", "", false
					}
					asked.Add(1)
					var request struct {
						Seq  uint64 `json:"seq"`
						Next string `json:"next_by_subj"`
					}
					assert.NoError(t, json.Unmarshal(payload, &request))
					m, err := stream.GetMsg(t.Context(), request.Seq, jetstream.WithGetMsgSubject(request.Next))
					if err != nil || m.Sequence > knows {
						return "NATS/1.0 404 Message Not Found", "", true
					}
					headers := fmt.Sprintf("NATS/1.0\r\nNats-Subject: %s\r\nNats-Sequence: %d\r\nNats-Time-Stamp: %s",
						m.Subject, m.Sequence, m.Time.Format(time.RFC3339Nano))
					for name := range m.Header {
						headers += "\r\n" + name + ": " + m.Header.Get(name)
					}
					return headers, string(m.Data), true
				}
			})
			for txid, content := range contents {
				assert.Equal(t, content, read(t, c, txid, 0, 0))
				assert.Equal(t, content[5000:5010], read(t, c, txid, 5000, 10))
			}
			assert.Positive(t, asked.Load())
		})
	}
}

// fill writes files until there are n, and calls do whenever there is another.
func (f *service) fill(t *testing.T, c *nats.ReplicaClient, n ltx.TXID, do func(ltx.TXID)) {
	t.Helper()
	write(t, c, 1, body(t, 1, 1))
	stream, err := f.js.Stream(t.Context(), "OBJ_"+f.bucket)
	require.NoError(t, err)
	first, err := stream.GetLastMsgForSubject(t.Context(), f.subject(1))
	require.NoError(t, err)
	for txid := ltx.TXID(2); txid <= n; txid++ {
		_, err = f.js.Publish(t.Context(), f.subject(txid), bytes.ReplaceAll(first.Data, []byte(f.key(1)), []byte(f.key(txid))))
		require.NoError(t, err)
		do(txid)
	}
}

// A listing has all files, also where their number is that of the descriptions that it
// reads at once, 256 and then up to 1024, or just beside it.
func TestListBatches(t *testing.T) {
	f, c := serve(t, nats.Config{})
	f.fill(t, c, 2310, func(txid ltx.TXID) {
		if n := (txid - 255) % 1024; txid >= 255 && n <= 3 {
			require.Len(t, list(t, c), int(txid))
		}
	})
}

// A listing of many files has all, also if the server has no consumer for it, or ends it, or
// loses one of its messages.
func TestListWithoutAConsumer(t *testing.T) {
	f, c := serve(t, nats.Config{})
	const n = 700
	f.fill(t, c, n, func(ltx.TXID) {})
	for _, refused := range []string{"CREATE", "MSG.NEXT", "DELETE"} {
		was := false
		f.refused(func(subject, _ string) bool {
			is := strings.HasPrefix(subject, "$JS.API.CONSUMER."+refused)
			was = was || is
			return is
		})
		assert.Len(t, list(t, c), n, refused)
		f.set(func() { assert.True(t, was, refused); f.answer = nil })
	}
	before := f.count()
	f.refused(func(subject, _ string) bool { return strings.HasPrefix(subject, "$JS.API.DIRECT.GET.") })
	assert.Len(t, list(t, c), n)
	assert.Less(t, f.count()-before, int64(20), "a server without direct gets")
	f.set(func() { f.answer = nil })
	for _, lose := range []int{257, 400, n} {
		f.set(func() { f.lose = lose })
		assert.Len(t, list(t, c), n, "without message %d", lose)
		f.set(func() { assert.Less(t, f.lose, 0, "it was lost") })
	}
}

// list returns the files of level 0.
func list(t *testing.T, c *nats.ReplicaClient) []*ltx.FileInfo {
	t.Helper()
	it, err := c.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, err)
	files, err := ltx.SliceFileIterator(it)
	require.NoError(t, err)
	return files
}

// A listing has all files also if messages of it are lost: the consumer is asked again,
// or the leader if none follows.
func TestListingLosesAMessage(t *testing.T) {
	f, c := serve(t, nats.Config{})
	for txid := ltx.TXID(1); txid <= 5; txid++ {
		write(t, c, txid, body(t, txid, 1))
	}
	for lose := 1; lose <= 5; lose++ {
		f.set(func() { f.lose = lose })
		assert.Len(t, list(t, c), 5, "without message %d", lose)
		f.set(func() { assert.Less(t, f.lose, 0, "it was lost") })
	}
}

// A file that is replaced while a listing is under way is in it: its description moves
// behind the last one that was there in the beginning.
func TestListingWhileFilesAreReplaced(t *testing.T) {
	f, c := serve(t, nats.Config{})
	another := f.client(nil)
	defer another.Close()
	for txid := ltx.TXID(1); txid <= 3; txid++ {
		write(t, another, txid, body(t, txid, 1))
	}
	replaced := f.once("$JS.API.STREAM.MSG.GET.", `.M.\u003e`, func() { // after the first batch
		write(t, another, 1, body(t, 1, 2))
		write(t, another, 2, body(t, 2, 2))
	})
	files := list(t, c)
	require.True(t, replaced())
	require.Len(t, files, 3)
	assert.EqualValues(t, len(body(t, 1, 2)), files[0].Size)
}

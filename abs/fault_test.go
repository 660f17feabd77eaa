package abs_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/abs"
	"github.com/ltxstore/ltxstore/internal/testkit/absfake"
	matrix "github.com/ltxstore/ltxstore/internal/testkit/faultmatrix"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/memnet"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
)

// azureErrors are how the service fails.
func azureErrors() matrix.Service {
	answer := func(status int, code string) httpfault.Effect {
		return httpfault.Status(status, http.Header{"X-Ms-Version": {"2026-02-06"}, "X-Ms-Error-Code": {code}},
			fmt.Sprintf(`<?xml version="1.0"?><Error><Code>%s</Code><Message>faultmatrix</Message></Error>`, code))
	}
	codes := map[int]string{503: "ServerBusy", 500: "InternalError", 504: "OperationTimedOut", 408: "OperationTimedOut"}
	return matrix.Service{
		Error:      func(status int) httpfault.Effect { return answer(status, codes[status]) },
		ErrorIn200: answer(200, "InternalError"),
		Expired:    answer(403, "AuthenticationFailed"),
	}
}

const (
	smallSize = 4 << 10
	largeSize = 2*fakePart + 1000 // three blocks
	listedN   = 2*fakePage + 4    // three pages
)

func (f *fake) world(client *abs.ReplicaClient) *matrix.World {
	return &matrix.World{
		Client: client,
		Put:    func(key string, body []byte) { f.Put(fakeBucket, key, body) },
		Get: func(key string) ([]byte, bool) {
			b, ok := f.Get(fakeBucket, key)
			return b.Body, ok
		},
		Keys:      func() []string { return f.Keys(fakeBucket) },
		Leftovers: func() []string { return f.Uncommitted(fakeBucket) },
		Key:       func(txid ltx.TXID) string { return fakePath + "/" + f.keys.File(0, txid, txid) },
		Listed:    listedN,
	}
}

type counts = map[string]int

// passing are the faults after which the same request succeeds.
var passing = []matrix.Fault{matrix.Throttled, matrix.Failed, matrix.BadGateway, matrix.TimedOut, matrix.Refused, matrix.Reset, matrix.HTMLPage,
	matrix.Page, matrix.Nothing, matrix.NoRoute, matrix.Bare404, matrix.LostAnswer}

// cut are those that break an answer in its body.
var cut = []matrix.Fault{matrix.ResetInBody, matrix.Stalled, matrix.Truncated}

// plus returns the counts with more of one.
func plus(well counts, hit string, more int) counts {
	c := maps.Clone(well)
	c[hit] += more
	return c
}

// repeated are the cells of an operation that repeats what it does: well costs
// these requests, of which hit is the one that a fault adds to.
func repeated(well counts, hit string) map[matrix.Fault]matrix.Cell {
	return matrix.Cells(
		matrix.Every(matrix.Cell{Requests: plus(well, hit, 1)}, passing...),
		matrix.Every(matrix.Cell{Requests: plus(well, hit, matrix.OutageLength)}, matrix.Outage),
		matrix.Every(matrix.Cell{Void: "there is no range"}, matrix.RangeLost),
		matrix.Every(matrix.Cell{Void: "the answer has no checksum of itself"}, matrix.WrongBytes),
	)
}

type row struct {
	matrix.Row
	cfg abs.Config
	do  func(*matrix.World, context.Context) error
}

func faultRows() map[string]row {
	hit := func(operation string) httpfault.Match { return httpfault.Match{Operation: operation} }
	denied := func(requests counts) map[matrix.Fault]matrix.Cell {
		return matrix.Every(matrix.Cell{Want: fs.ErrPermission, Requests: requests}, matrix.Expired)
	}
	silent := matrix.Every(matrix.Cell{Void: "the answer has no body, or one that nobody reads"}, append([]matrix.Fault{matrix.ErrorIn200}, cut...)...)
	small := func(w *matrix.World, ctx context.Context) error { return w.Write(ctx, smallSize) }
	large := func(w *matrix.World, ctx context.Context) error { return w.Write(ctx, largeSize) }
	put, upload := counts{"PutBlob": 1}, counts{"GetBlobProperties": 1, "PutBlock": 3, "PutBlockList": 1}
	once := abs.Config{AccountKey: fakeKey, WriteOnce: true}
	plain := abs.Config{AccountKey: fakeKey}
	asked := counts{"PutBlob": 2, "GetBlobProperties": 1}
	reads := matrix.Cells(
		matrix.Every(matrix.Cell{Requests: counts{"GetBlob": 2}}, passing...),
		matrix.Every(matrix.Cell{Requests: counts{"GetBlob": 2}}, cut...),
		matrix.Every(matrix.Cell{Requests: counts{"GetBlob": 1 + matrix.OutageLength}}, matrix.Outage),
		matrix.Every(matrix.Cell{Want: ltxstore.ErrChecksum, Requests: counts{"GetBlob": 1}}, matrix.WrongBytes),
		matrix.Every(matrix.Cell{Void: "a body of a blob has any bytes: see the size and the checksum"}, matrix.ErrorIn200),
		denied(counts{"GetBlob": 1}),
	)
	return map[string]row{
		"write": {matrix.Row{Hit: hit("PutBlob"), Cells: matrix.Cells(repeated(put, "PutBlob"), silent, denied(put))}, plain, small},
		"write, once": {matrix.Row{Hit: hit("PutBlob"), Cells: matrix.Cells(repeated(put, "PutBlob"), silent,
			matrix.Every(matrix.Cell{Requests: asked}, passing...),
			matrix.Every(matrix.Cell{Requests: counts{"PutBlob": 2}}, matrix.Throttled),
			matrix.Every(matrix.Cell{Requests: counts{"PutBlob": 1, "GetBlobProperties": 1}}, matrix.LostAnswer),
			denied(put))}, once, small},
		"begin an upload": {matrix.Row{Hit: hit("GetBlobProperties"), Cells: matrix.Cells(repeated(upload, "GetBlobProperties"), silent,
			denied(counts{"GetBlobProperties": 1}))}, plain, large},
		"send a block": {matrix.Row{Hit: hit("PutBlock"), Skip: 1, Cells: matrix.Cells(repeated(upload, "PutBlock"), silent,
			denied(counts{"GetBlobProperties": 1, "PutBlock": 2, "PutBlockList": 1, "DeleteBlob": 1, "ListBlobs": 1}))}, abs.Config{AccountKey: fakeKey, Concurrency: 1}, large},
		"commit": {matrix.Row{Hit: hit("PutBlockList"), Cells: matrix.Cells(repeated(upload, "PutBlockList"), silent,
			denied(counts{"GetBlobProperties": 1, "PutBlock": 3, "PutBlockList": 2, "DeleteBlob": 1, "ListBlobs": 1}))}, plain, large},
		"read": {matrix.Row{Hit: hit("GetBlob"), At: 1000, Cells: matrix.Cells(reads,
			matrix.Every(matrix.Cell{Void: "there is no range"}, matrix.RangeLost))}, plain,
			func(w *matrix.World, ctx context.Context) error { return w.Read(ctx, largeSize, 0, 0) }},
		"read a range": {matrix.Row{Hit: hit("GetBlob"), At: 1000, Cells: matrix.Cells(reads,
			matrix.Every(matrix.Cell{Void: "a range has no checksum: LTX has the file's own"}, matrix.WrongBytes),
			matrix.Every(matrix.Cell{Requests: counts{"GetBlob": 1}}, matrix.RangeLost))}, plain,
			func(w *matrix.World, ctx context.Context) error { return w.Read(ctx, largeSize, 5000, 10_000) }},
		"list": {matrix.Row{Hit: hit("ListBlobs"), Skip: 1, At: 50, Cells: matrix.Cells(repeated(counts{"ListBlobs": 3}, "ListBlobs"),
			matrix.Every(matrix.Cell{Requests: counts{"ListBlobs": 4}}, append([]matrix.Fault{matrix.ErrorIn200}, cut...)...),
			denied(counts{"ListBlobs": 2}))}, plain,
			func(w *matrix.World, ctx context.Context) error { return w.List(ctx, false) }},
		"delete": {matrix.Row{Hit: hit("BlobBatch"), At: 50, Cells: matrix.Cells(repeated(counts{"BlobBatch": 1}, "BlobBatch"),
			matrix.Every(matrix.Cell{Requests: counts{"BlobBatch": 2}}, append([]matrix.Fault{matrix.ErrorIn200}, cut...)...),
			denied(counts{"BlobBatch": 1}))}, plain,
			func(w *matrix.World, ctx context.Context) error { return w.Delete(ctx) }},
		"delete all": {matrix.Row{Hit: hit("ListBlobs"), Skip: 2, At: 50, Cells: matrix.Cells(repeated(counts{"ListBlobs": 7, "BlobBatch": 1}, "ListBlobs"),
			matrix.Every(matrix.Cell{Requests: counts{"ListBlobs": 8, "BlobBatch": 1}}, append([]matrix.Fault{matrix.ErrorIn200}, cut...)...),
			denied(counts{"ListBlobs": 4}))}, plain,
			func(w *matrix.World, ctx context.Context) error { return w.DeleteAll(ctx) }},
	}
}

// TestFaults plays every fault against every operation.
func TestFaults(t *testing.T) {
	var rows []matrix.Row
	plays := race.OneOf(5)
	for name, row := range faultRows() {
		row.Name = name
		rows = append(rows, row.Row)
		for _, fault := range matrix.Faults() {
			if row.Cells[fault].Void != "" || !plays() {
				continue
			}
			t.Run(name+"/"+string(fault), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f, err := makeFake(row.cfg, absfake.Options{})
					require.NoError(t, err)
					server, client := memnet.Serve(f.layer)
					f.server, f.cfg.Endpoint, f.cfg.RoundTripper = server, server.URL, client
					defer func() { assert.NoError(t, f.close()) }()
					defer client.CloseIdleConnections()
					w := f.world(f.client(func(cfg *abs.Config) {
						cfg.Retry = ltxstore.Retry{MaxAttempts: matrix.OutageLength + 2}
					}))
					assert.NoError(t, matrix.Play(t.Context(), f.layer, azureErrors(), row.Row, fault, func(ctx context.Context) error { return row.do(w, ctx) }))
				})
			})
		}
	}
	assert.Empty(t, matrix.Holes(rows))
}

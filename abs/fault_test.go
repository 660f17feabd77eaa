package abs_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/abs"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/testkit/absfake"
	matrix "github.com/ltxstore/ltxstore/internal/testkit/faultmatrix"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/memnet"
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
		// The server does: the header is signed.
		IgnoreRange: func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) { x.Next.ServeHTTP(w, r) },
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

// passing are the faults after which the same request succeeds.
var passing = slices.Concat(matrix.Passing(), matrix.Foreign(), []matrix.Fault{matrix.LostAnswer})

type (
	counts    = matrix.Counts
	operation = matrix.Operation[abs.Config]
)

func operations() map[string]operation {
	hit := func(operation string) httpfault.Match { return httpfault.Match{Operation: operation} }
	silent, cut := matrix.Bodiless(), matrix.InBody()
	small := func(w *matrix.World, ctx context.Context) error { return w.Write(ctx, smallSize) }
	large := func(w *matrix.World, ctx context.Context) error { return w.Write(ctx, largeSize) }
	put, upload := counts{"PutBlob": 1}, counts{"PutBlock": 3, "PutBlockList": 1}
	once := abs.Config{AccountKey: fakeKey, WriteOnce: true}
	plain := abs.Config{AccountKey: fakeKey}
	asked := counts{"PutBlob": 2, "GetBlobProperties": 1}
	reads := matrix.Cells(
		matrix.Every(matrix.Cell{Requests: counts{"GetBlob": 2}}, passing...),
		matrix.Every(matrix.Cell{Requests: counts{"GetBlob": 2}}, cut...),
		matrix.Every(matrix.Cell{Requests: counts{"GetBlob": 1 + matrix.OutageLength}}, matrix.Outage),
		matrix.Every(matrix.Cell{Want: ltxstore.ErrChecksum, Requests: counts{"GetBlob": 1}}, matrix.WrongBytes),
		matrix.Every(matrix.Cell{Void: "a body of a blob has any bytes: see the size and the checksum"}, matrix.ErrorIn200),
		matrix.Denied(counts{"GetBlob": 1}),
	)
	return map[string]operation{
		"write": {Row: matrix.Row{Hit: hit("PutBlob"), Cells: matrix.Cells(matrix.Repeated(put, "PutBlob"), silent, matrix.Denied(put))}, Config: plain, Do: small},
		"write, once": {Row: matrix.Row{Hit: hit("PutBlob"), Cells: matrix.Cells(matrix.Repeated(put, "PutBlob"), silent,
			matrix.Every(matrix.Cell{Requests: asked}, passing...),
			matrix.Every(matrix.Cell{Requests: counts{"PutBlob": 2}}, matrix.Throttled),
			matrix.Every(matrix.Cell{Requests: counts{"PutBlob": 1, "GetBlobProperties": 1}}, matrix.LostAnswer),
			matrix.Denied(put))}, Config: once, Do: small},
		"send a block": {Row: matrix.Row{Hit: hit("PutBlock"), Skip: 1, Cells: matrix.Cells(matrix.Repeated(upload, "PutBlock"), silent,
			matrix.Denied(counts{"PutBlock": 2, "PutBlockList": 1, "DeleteBlob": 1, "ListBlobs": 1}))}, Config: abs.Config{AccountKey: fakeKey, Transfer: object.Options{Concurrency: 1}}, Do: large},
		"commit": {Row: matrix.Row{Hit: hit("PutBlockList"), Cells: matrix.Cells(matrix.Repeated(upload, "PutBlockList"), silent,
			matrix.Denied(counts{"PutBlock": 3, "PutBlockList": 2, "DeleteBlob": 1, "ListBlobs": 1}))}, Config: plain, Do: large},
		"read": {Row: matrix.Row{Hit: hit("GetBlob"), At: 1000, Cells: matrix.Cells(reads,
			// How long it should be is asked for.
			matrix.Every(matrix.Cell{Requests: counts{"GetBlob": 2, "GetBlobProperties": 1}}, matrix.Shortened),
			matrix.Rangeless())}, Config: plain,
			Do: func(w *matrix.World, ctx context.Context) error { return w.Read(ctx, largeSize, 0, 0) }},
		"read a range": {Row: matrix.Row{Hit: hit("GetBlob"), At: 1000, Cells: matrix.Cells(reads,
			matrix.Every(matrix.Cell{Void: "a range has no checksum: LTX has the file's own"}, matrix.WrongBytes),
			matrix.Every(matrix.Cell{Requests: counts{"GetBlob": 1}}, matrix.RangeLost),
			matrix.Every(matrix.Cell{Requests: counts{"GetBlob": 2}}, matrix.Spans()...))}, Config: plain,
			Do: func(w *matrix.World, ctx context.Context) error { return w.Read(ctx, largeSize, 5000, 10_000) }},
		"list": {Row: matrix.Row{Hit: hit("ListBlobs"), Skip: 1, At: 50, Cells: matrix.Cells(matrix.Repeated(counts{"ListBlobs": 3}, "ListBlobs"),
			matrix.Every(matrix.Cell{Requests: counts{"ListBlobs": 4}}, append([]matrix.Fault{matrix.ErrorIn200}, cut...)...),
			matrix.Denied(counts{"ListBlobs": 2}))}, Config: plain,
			Do: func(w *matrix.World, ctx context.Context) error { return w.List(ctx, false) }},
		"delete": {Row: matrix.Row{Hit: hit("BlobBatch"), At: 50, Cells: matrix.Cells(matrix.Repeated(counts{"BlobBatch": 1}, "BlobBatch"),
			matrix.Every(matrix.Cell{Requests: counts{"BlobBatch": 2}}, append([]matrix.Fault{matrix.ErrorIn200}, cut...)...),
			matrix.Denied(counts{"BlobBatch": 1}))}, Config: plain,
			Do: func(w *matrix.World, ctx context.Context) error { return w.Delete(ctx) }},
		"delete all": {Row: matrix.Row{Hit: hit("ListBlobs"), Skip: 2, At: 50, Cells: matrix.Cells(matrix.Repeated(counts{"ListBlobs": 7, "BlobBatch": 1}, "ListBlobs"),
			matrix.Every(matrix.Cell{Requests: counts{"ListBlobs": 8, "BlobBatch": 1}}, append([]matrix.Fault{matrix.ErrorIn200}, cut...)...),
			matrix.Denied(counts{"ListBlobs": 4}))}, Config: plain,
			Do: func(w *matrix.World, ctx context.Context) error { return w.DeleteAll(ctx) }},
	}
}

// TestFaults plays every fault against every operation.
func TestFaults(t *testing.T) {
	matrix.PlayAll(t, azureErrors(), operations(), func(t *testing.T, o operation, fault matrix.Fault) (*matrix.World, *httpfault.Layer) {
		f, err := makeFake(o.Config, absfake.Options{NoRange: fault == matrix.RangeLost})
		require.NoError(t, err)
		server, client := memnet.Serve(f.layer)
		f.server, f.cfg.Endpoint, f.cfg.HTTP.RoundTripper = server, server.URL, client
		t.Cleanup(func() { assert.NoError(t, f.close()) })
		t.Cleanup(client.CloseIdleConnections)
		return f.world(f.client(func(cfg *abs.Config) {
			cfg.Retry = ltxstore.Retry{MaxAttempts: matrix.OutageLength + 2}
		})), f.layer
	})
}

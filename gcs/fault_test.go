package gcs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/gcs"
	matrix "github.com/ltxstore/ltxstore/internal/testkit/faultmatrix"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/memnet"
)

// googleErrors are how the service fails.
func googleErrors() matrix.Service {
	answer := func(status, code int) httpfault.Effect {
		return httpfault.Status(status, nil, fmt.Sprintf(`{"error":{"code":%d,"message":"faultmatrix","errors":[{"reason":"backendError"}]}}`, code))
	}
	return matrix.Service{
		Error:      func(status int) httpfault.Effect { return answer(status, status) },
		ErrorIn200: answer(200, 500),
		Expired:    answer(401, 401),
	}
}

const (
	smallSize = 4 << 10
	largeSize = 2*fakeChunk + 1000 // three chunks
	listedN   = 2*fakePage + 4     // three pages
)

func (f *fake) world(client *gcs.ReplicaClient) *matrix.World {
	return &matrix.World{
		Client: client,
		Put:    func(key string, body []byte) { f.Put(fakeBucket, key, body) },
		Get: func(key string) ([]byte, bool) {
			o, ok := f.Get(fakeBucket, key)
			return o.Body, ok
		},
		Keys:      func() []string { return f.Keys(fakeBucket) },
		Leftovers: func() []string { return f.Sessions(fakeBucket) },
		Key:       func(txid ltx.TXID) string { return fakePath + "/" + f.keys.File(0, txid, txid) },
		Listed:    listedN,
	}
}

type (
	counts    = matrix.Counts
	operation = matrix.Operation[gcs.Config]
)

func operations() map[string]operation {
	hit := func(operation string) httpfault.Match { return httpfault.Match{Operation: operation} }
	upload := counts{"StartResumableWrite": 1, "WriteChunk": 3}
	ended := counts{"StartResumableWrite": 1, "WriteChunk": 2, "CancelResumableWrite": 1}
	// An upload that is said to be unknown is not asked for again: the caller begins anew.
	lost := func(requests counts) map[matrix.Fault]matrix.Cell {
		return matrix.Every(matrix.Cell{Want: ltxstore.ErrUnavailable, Requests: requests}, matrix.NoRoute, matrix.Bare404)
	}
	small := func(w *matrix.World, ctx context.Context) error { return w.Write(ctx, smallSize) }
	large := func(w *matrix.World, ctx context.Context) error { return w.Write(ctx, largeSize) }
	once := gcs.Config{WriteOnce: true}
	settled := matrix.Every(matrix.Cell{Requests: counts{"WriteObject": 1, "GetObject": 1}}, append([]matrix.Fault{matrix.LostAnswer}, matrix.InBody()...)...)
	looked := matrix.Every(matrix.Cell{Requests: counts{"WriteObject": 2, "GetObject": 1}}, append([]matrix.Fault{matrix.ErrorIn200, matrix.Page, matrix.Nothing, matrix.NoRoute, matrix.Bare404}, matrix.Passing()...)...)
	reads := matrix.Cells(
		matrix.Every(matrix.Cell{Requests: counts{"ReadObject": 2}}, matrix.Passing()...),
		matrix.Every(matrix.Cell{Requests: counts{"ReadObject": 2}}, append(matrix.InBody(), matrix.LostAnswer, matrix.Page, matrix.Nothing)...),
		matrix.Every(matrix.Cell{Requests: counts{"ReadObject": 2, "GetObject": 1}}, matrix.NoRoute, matrix.Bare404),
		matrix.Every(matrix.Cell{Requests: counts{"ReadObject": 1 + matrix.OutageLength}}, matrix.Outage),
		matrix.Every(matrix.Cell{Want: ltxstore.ErrChecksum, Requests: counts{"ReadObject": 1}}, matrix.WrongBytes),
		matrix.Every(matrix.Cell{Void: "a body of an object has any bytes: see the size and the checksum"}, matrix.ErrorIn200),
		matrix.Denied(counts{"ReadObject": 1}),
	)
	return map[string]operation{
		"write": {Row: matrix.Row{Hit: hit("WriteObject"), At: 20, Cells: matrix.Cells(matrix.Repeated(counts{"WriteObject": 1}, "WriteObject"),
			matrix.Denied(counts{"WriteObject": 1}))}, Config: gcs.Config{}, Do: small},
		"write, once": {Row: matrix.Row{Hit: hit("WriteObject"), At: 20, Cells: matrix.Cells(matrix.Repeated(counts{"WriteObject": 1}, "WriteObject"), looked, settled,
			// A service that asks for fewer requests has done nothing.
			matrix.Every(matrix.Cell{Requests: counts{"WriteObject": 1 + matrix.OutageLength}}, matrix.Outage),
			matrix.Every(matrix.Cell{Requests: counts{"WriteObject": 2}}, matrix.Throttled),
			matrix.Denied(counts{"WriteObject": 1}))}, Config: once, Do: small},
		"begin an upload": {Row: matrix.Row{Hit: hit("StartResumableWrite"), At: 0, Cells: matrix.Cells(matrix.Repeated(upload, "StartResumableWrite"),
			matrix.Every(matrix.Cell{Void: "the answer has no body"}, matrix.InBody()...),
			matrix.Denied(counts{"StartResumableWrite": 1}))}, Config: gcs.Config{}, Do: large},
		"send a chunk": {Row: matrix.Row{Hit: hit("WriteChunk"), Skip: 1, At: 0, Cells: matrix.Cells(matrix.Repeated(upload, "WriteChunk"),
			matrix.Every(matrix.Cell{Void: "the answer has no body"}, matrix.InBody()...),
			lost(ended), matrix.Denied(ended))}, Config: gcs.Config{}, Do: large},
		"send the last chunk": {Row: matrix.Row{Hit: hit("WriteChunk"), Skip: 2, At: 20, Cells: matrix.Cells(matrix.Repeated(upload, "WriteChunk"),
			lost(counts{"StartResumableWrite": 1, "WriteChunk": 3, "CancelResumableWrite": 1, "GetObject": 1}),
			matrix.Denied(counts{"StartResumableWrite": 1, "WriteChunk": 3, "CancelResumableWrite": 1}))}, Config: gcs.Config{}, Do: large},
		"read": {Row: matrix.Row{Hit: hit("ReadObject"), At: 1000, Cells: matrix.Cells(reads,
			matrix.Rangeless())}, Config: gcs.Config{},
			Do: func(w *matrix.World, ctx context.Context) error { return w.Read(ctx, largeSize, 0, 0) }},
		"read a range": {Row: matrix.Row{Hit: hit("ReadObject"), At: 1000, Cells: matrix.Cells(reads,
			matrix.Every(matrix.Cell{Void: "a range has no checksum: who reads LTX has the file's own"}, matrix.WrongBytes),
			matrix.Every(matrix.Cell{Want: errors.ErrUnsupported, Requests: counts{"ReadObject": 1}}, matrix.RangeLost),
			matrix.Every(matrix.Cell{Requests: counts{"ReadObject": 2}}, matrix.Spans()...))}, Config: gcs.Config{},
			Do: func(w *matrix.World, ctx context.Context) error { return w.Read(ctx, largeSize, 5000, 10_000) }},
		"list": {Row: matrix.Row{Hit: hit("ListObjects"), Skip: 1, At: 50, Cells: matrix.Cells(matrix.Repeated(counts{"ListObjects": 3}, "ListObjects"),
			matrix.Denied(counts{"ListObjects": 2}))}, Config: gcs.Config{},
			Do: func(w *matrix.World, ctx context.Context) error { return w.List(ctx, false) }},
		"read a header": {Row: matrix.Row{Hit: hit("ReadObject"), Skip: listedN - 1, At: 50, Cells: matrix.Cells(matrix.Repeated(counts{"ListObjects": 3, "ReadObject": listedN}, "ReadObject"),
			matrix.Every(matrix.Cell{Requests: counts{"ListObjects": 3, "ReadObject": listedN + 1, "GetObject": 1}}, matrix.NoRoute, matrix.Bare404),
			matrix.Every(matrix.Cell{Void: "a header has no checksum in a range"}, matrix.WrongBytes),
			matrix.Every(matrix.Cell{Requests: counts{"ListObjects": 3, "ReadObject": listedN}}, matrix.RangeLost),
			matrix.Every(matrix.Cell{Requests: counts{"ListObjects": 3, "ReadObject": listedN + 1}}, matrix.Spans()...),
			matrix.Every(matrix.Cell{Void: "a body of an object has any bytes"}, matrix.ErrorIn200),
			matrix.Denied(counts{"ListObjects": 3, "ReadObject": listedN}))}, Config: gcs.Config{Transfer: object.Options{MetadataConcurrency: 1}},
			Do: func(w *matrix.World, ctx context.Context) error { return w.List(ctx, true) }},
		"delete": {Row: matrix.Row{Hit: hit("DeleteObject"), Cells: matrix.Cells(matrix.Repeated(counts{"DeleteObject": 3}, "DeleteObject"),
			matrix.Every(matrix.Cell{Void: "the answer has no body"}, matrix.InBody()...),
			matrix.Denied(counts{"DeleteObject": 3}))}, Config: gcs.Config{},
			Do: func(w *matrix.World, ctx context.Context) error { return w.Delete(ctx) }},
		"delete all": {Row: matrix.Row{Hit: hit("ListObjects"), Skip: 1, At: 50, Cells: matrix.Cells(matrix.Repeated(counts{"ListObjects": 5, "DeleteObject": listedN}, "ListObjects"),
			matrix.Denied(counts{"ListObjects": 3}))}, Config: gcs.Config{},
			Do: func(w *matrix.World, ctx context.Context) error { return w.DeleteAll(ctx) }},
	}
}

// TestFaults plays every fault against every operation.
func TestFaults(t *testing.T) {
	matrix.PlayAll(t, googleErrors(), operations(), func(t *testing.T, o operation, fault matrix.Fault) (*matrix.World, *httpfault.Layer) {
		f, err := makeFake(o.Config, gcsfake.Options{})
		require.NoError(t, err)
		server, client := memnet.Serve(f.layer)
		f.server, f.cfg.Endpoint, f.cfg.HTTP.RoundTripper = server, server.URL, client
		t.Cleanup(func() { assert.NoError(t, f.close()) })
		t.Cleanup(client.CloseIdleConnections)
		w := f.world(f.client(func(cfg *gcs.Config) {
			cfg.Retry = ltxstore.Retry{MaxAttempts: matrix.OutageLength + 2}
		}))
		if fault == matrix.LostAnswer && o.Hit.Operation == "StartResumableWrite" {
			w.Orphans = 1 // it cannot be listed, and ends by itself
		}
		return w, f.layer
	})
}

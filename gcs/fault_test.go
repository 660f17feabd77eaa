package gcs_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/gcs"
	matrix "github.com/ltxstore/ltxstore/internal/testkit/faultmatrix"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/memnet"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
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

type counts = map[string]int

// passing are the faults after which the same request succeeds.
var passing = []matrix.Fault{matrix.Throttled, matrix.Failed, matrix.BadGateway, matrix.TimedOut, matrix.Refused, matrix.Reset, matrix.HTMLPage}

// cut are those that break an answer in its body.
var cut = []matrix.Fault{matrix.ResetInBody, matrix.Stalled, matrix.Truncated}

// repeated are the cells of an operation that repeats what it does: well costs
// these requests, of which hit is the one that a fault adds to.
func repeated(well counts, hit string) map[matrix.Fault]matrix.Cell {
	cost := func(more int) counts {
		c := maps.Clone(well)
		c[hit] += more
		return c
	}
	return matrix.Cells(
		matrix.Every(matrix.Cell{Requests: cost(1)}, passing...),
		matrix.Every(matrix.Cell{Requests: cost(1)}, cut...),
		matrix.Every(matrix.Cell{Requests: cost(1)}, matrix.LostAnswer, matrix.ErrorIn200, matrix.Page, matrix.Nothing, matrix.NoRoute, matrix.Bare404),
		matrix.Every(matrix.Cell{Requests: cost(matrix.OutageLength)}, matrix.Outage),
		matrix.Every(matrix.Cell{Void: "there is no range"}, matrix.RangeLost),
		matrix.Every(matrix.Cell{Void: "an answer in JSON has no checksum: what it says of content is compared"}, matrix.WrongBytes),
	)
}

func faultRows() map[string]struct {
	matrix.Row
	cfg gcs.Config
	do  func(*matrix.World, context.Context) error
} {
	type row = struct {
		matrix.Row
		cfg gcs.Config
		do  func(*matrix.World, context.Context) error
	}
	hit := func(operation string) httpfault.Match { return httpfault.Match{Operation: operation} }
	upload := counts{"StartResumableWrite": 1, "WriteChunk": 3}
	ended := counts{"StartResumableWrite": 1, "WriteChunk": 2, "CancelResumableWrite": 1}
	// An upload that is said to be unknown is not asked for again: the caller begins anew.
	lost := func(requests counts) map[matrix.Fault]matrix.Cell {
		return matrix.Every(matrix.Cell{Want: ltxstore.ErrUnavailable, Requests: requests}, matrix.NoRoute, matrix.Bare404)
	}
	denied := func(requests counts) map[matrix.Fault]matrix.Cell {
		return matrix.Every(matrix.Cell{Want: fs.ErrPermission, Requests: requests}, matrix.Expired)
	}
	small := func(w *matrix.World, ctx context.Context) error { return w.Write(ctx, smallSize) }
	large := func(w *matrix.World, ctx context.Context) error { return w.Write(ctx, largeSize) }
	once := gcs.Config{WriteOnce: true}
	settled := matrix.Every(matrix.Cell{Requests: counts{"WriteObject": 1, "GetObject": 1}}, matrix.LostAnswer, matrix.ResetInBody, matrix.Stalled, matrix.Truncated)
	looked := matrix.Every(matrix.Cell{Requests: counts{"WriteObject": 2, "GetObject": 1}}, append([]matrix.Fault{matrix.ErrorIn200, matrix.Page, matrix.Nothing, matrix.NoRoute, matrix.Bare404}, passing...)...)
	reads := matrix.Cells(
		matrix.Every(matrix.Cell{Requests: counts{"ReadObject": 2}}, passing...),
		matrix.Every(matrix.Cell{Requests: counts{"ReadObject": 2}}, matrix.ResetInBody, matrix.Stalled, matrix.Truncated, matrix.LostAnswer, matrix.Page, matrix.Nothing),
		matrix.Every(matrix.Cell{Requests: counts{"ReadObject": 2, "GetObject": 1}}, matrix.NoRoute, matrix.Bare404),
		matrix.Every(matrix.Cell{Requests: counts{"ReadObject": 1 + matrix.OutageLength}}, matrix.Outage),
		matrix.Every(matrix.Cell{Want: ltxstore.ErrChecksum, Requests: counts{"ReadObject": 1}}, matrix.WrongBytes),
		matrix.Every(matrix.Cell{Void: "a body of an object has any bytes: see the size and the checksum"}, matrix.ErrorIn200),
		denied(counts{"ReadObject": 1}),
	)
	return map[string]row{
		"write": {matrix.Row{Hit: hit("WriteObject"), At: 20, Cells: matrix.Cells(repeated(counts{"WriteObject": 1}, "WriteObject"),
			denied(counts{"WriteObject": 1}))}, gcs.Config{}, small},
		"write, once": {matrix.Row{Hit: hit("WriteObject"), At: 20, Cells: matrix.Cells(repeated(counts{"WriteObject": 1}, "WriteObject"), looked, settled,
			// A service that asks for fewer requests has done nothing.
			matrix.Every(matrix.Cell{Requests: counts{"WriteObject": 1 + matrix.OutageLength}}, matrix.Outage),
			matrix.Every(matrix.Cell{Requests: counts{"WriteObject": 2}}, matrix.Throttled),
			denied(counts{"WriteObject": 1}))}, once, small},
		"begin an upload": {matrix.Row{Hit: hit("StartResumableWrite"), At: 0, Cells: matrix.Cells(repeated(upload, "StartResumableWrite"),
			matrix.Every(matrix.Cell{Void: "the answer has no body"}, cut...),
			denied(counts{"StartResumableWrite": 1}))}, gcs.Config{}, large},
		"send a chunk": {matrix.Row{Hit: hit("WriteChunk"), Skip: 1, At: 0, Cells: matrix.Cells(repeated(upload, "WriteChunk"),
			matrix.Every(matrix.Cell{Void: "the answer has no body"}, cut...),
			lost(ended), denied(ended))}, gcs.Config{}, large},
		"send the last chunk": {matrix.Row{Hit: hit("WriteChunk"), Skip: 2, At: 20, Cells: matrix.Cells(repeated(upload, "WriteChunk"),
			lost(counts{"StartResumableWrite": 1, "WriteChunk": 3, "CancelResumableWrite": 1, "GetObject": 1}),
			denied(counts{"StartResumableWrite": 1, "WriteChunk": 3, "CancelResumableWrite": 1}))}, gcs.Config{}, large},
		"read": {matrix.Row{Hit: hit("ReadObject"), At: 1000, Cells: matrix.Cells(reads,
			matrix.Every(matrix.Cell{Void: "there is no range"}, matrix.RangeLost))}, gcs.Config{},
			func(w *matrix.World, ctx context.Context) error { return w.Read(ctx, largeSize, 0, 0) }},
		"read a range": {matrix.Row{Hit: hit("ReadObject"), At: 1000, Cells: matrix.Cells(reads,
			matrix.Every(matrix.Cell{Void: "a range has no checksum: who reads LTX has the file's own"}, matrix.WrongBytes),
			matrix.Every(matrix.Cell{Want: errors.ErrUnsupported, Requests: counts{"ReadObject": 1}}, matrix.RangeLost))}, gcs.Config{},
			func(w *matrix.World, ctx context.Context) error { return w.Read(ctx, largeSize, 5000, 10_000) }},
		"list": {matrix.Row{Hit: hit("ListObjects"), Skip: 1, At: 50, Cells: matrix.Cells(repeated(counts{"ListObjects": 3}, "ListObjects"),
			denied(counts{"ListObjects": 2}))}, gcs.Config{},
			func(w *matrix.World, ctx context.Context) error { return w.List(ctx, false) }},
		"read a header": {matrix.Row{Hit: hit("ReadObject"), Skip: listedN - 1, At: 50, Cells: matrix.Cells(repeated(counts{"ListObjects": 3, "ReadObject": listedN}, "ReadObject"),
			matrix.Every(matrix.Cell{Requests: counts{"ListObjects": 3, "ReadObject": listedN + 1, "GetObject": 1}}, matrix.NoRoute, matrix.Bare404),
			matrix.Every(matrix.Cell{Void: "a header has no checksum in a range"}, matrix.WrongBytes),
			matrix.Every(matrix.Cell{Requests: counts{"ListObjects": 3, "ReadObject": listedN}}, matrix.RangeLost),
			matrix.Every(matrix.Cell{Void: "a body of an object has any bytes"}, matrix.ErrorIn200),
			denied(counts{"ListObjects": 3, "ReadObject": listedN}))}, gcs.Config{MetadataConcurrency: 1},
			func(w *matrix.World, ctx context.Context) error { return w.List(ctx, true) }},
		"delete": {matrix.Row{Hit: hit("DeleteObject"), Cells: matrix.Cells(repeated(counts{"DeleteObject": 3}, "DeleteObject"),
			matrix.Every(matrix.Cell{Void: "the answer has no body"}, cut...),
			denied(counts{"DeleteObject": 3}))}, gcs.Config{},
			func(w *matrix.World, ctx context.Context) error { return w.Delete(ctx) }},
		"delete all": {matrix.Row{Hit: hit("ListObjects"), Skip: 1, At: 50, Cells: matrix.Cells(repeated(counts{"ListObjects": 5, "DeleteObject": listedN}, "ListObjects"),
			denied(counts{"ListObjects": 3}))}, gcs.Config{},
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
					f, err := makeFake(row.cfg, gcsfake.Options{})
					require.NoError(t, err)
					server, client := memnet.Serve(f.layer)
					f.server, f.cfg.Endpoint, f.cfg.RoundTripper = server, server.URL, client
					defer func() { assert.NoError(t, f.close()) }()
					defer client.CloseIdleConnections()
					w := f.world(f.client(func(cfg *gcs.Config) {
						cfg.Retry = ltxstore.Retry{MaxAttempts: matrix.OutageLength + 2}
					}))
					if fault == matrix.LostAnswer && row.Hit.Operation == "StartResumableWrite" {
						w.Orphans = 1 // it cannot be listed, and ends by itself
					}
					assert.NoError(t, matrix.Play(t.Context(), f.layer, googleErrors(), row.Row, fault, func(ctx context.Context) error { return row.do(w, ctx) }))
				})
			})
		}
	}
	assert.Empty(t, matrix.Holes(rows))
}

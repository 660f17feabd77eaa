package oss_test

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
	matrix "github.com/ltxstore/ltxstore/internal/testkit/faultmatrix"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/memnet"
	"github.com/ltxstore/ltxstore/internal/testkit/ossfake"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/oss"
)

// ossErrors are how the service fails.
func ossErrors() matrix.Service {
	answer := func(status int, code string) httpfault.Effect {
		return httpfault.Status(status, http.Header{"X-Oss-Request-Id": {"faultmatrix"}, "Content-Type": {"application/xml"}},
			fmt.Sprintf(`<?xml version="1.0"?><Error><Code>%s</Code><Message>faultmatrix</Message></Error>`, code))
	}
	codes := map[int]string{503: "QpsLimitExceeded", 500: "InternalError", 504: "InternalError", 408: "RequestTimeout"}
	return matrix.Service{
		Error:      func(status int) httpfault.Effect { return answer(status, codes[status]) },
		ErrorIn200: answer(200, "InternalError"),
		Expired:    answer(403, "InvalidAccessKeyId"),
	}
}

const (
	smallSize = 4 << 10
	largeSize = 2*fakePart + 1000 // three parts
	listedN   = 2*fakePage + 4    // three pages
)

func (f *fake) world(client *oss.ReplicaClient) *matrix.World {
	return &matrix.World{
		Client: client,
		Put:    func(key string, body []byte) { f.Put(fakeBucket, key, body) },
		Get: func(key string) ([]byte, bool) {
			o, ok := f.Get(fakeBucket, key)
			return o.Body, ok
		},
		Keys:      func() []string { return f.Keys(fakeBucket) },
		Leftovers: func() []string { return f.Uploads(fakeBucket) },
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
	cfg oss.Config
	do  func(*matrix.World, context.Context) error
}

func faultRows() map[string]row {
	hit := func(operation string) httpfault.Match { return httpfault.Match{Operation: operation} }
	denied := func(requests counts) map[matrix.Fault]matrix.Cell {
		return matrix.Every(matrix.Cell{Want: fs.ErrPermission, Requests: requests}, matrix.Expired)
	}
	silent := matrix.Every(matrix.Cell{Void: "the answer has no body, or one that nobody reads"}, append([]matrix.Fault{matrix.ErrorIn200}, cut...)...)
	broken := func(requests counts) map[matrix.Fault]matrix.Cell {
		return matrix.Every(matrix.Cell{Requests: requests}, append([]matrix.Fault{matrix.ErrorIn200}, cut...)...)
	}
	small := func(w *matrix.World, ctx context.Context) error { return w.Write(ctx, smallSize) }
	large := func(w *matrix.World, ctx context.Context) error { return w.Write(ctx, largeSize) }
	put, upload := counts{"PutObject": 1}, counts{"InitiateMultipartUpload": 1, "UploadPart": 3, "CompleteMultipartUpload": 1}
	reads := matrix.Cells(
		matrix.Every(matrix.Cell{Requests: counts{"GetObject": 2}}, passing...),
		matrix.Every(matrix.Cell{Requests: counts{"GetObject": 2}}, cut...),
		matrix.Every(matrix.Cell{Requests: counts{"GetObject": 1 + matrix.OutageLength}}, matrix.Outage),
		matrix.Every(matrix.Cell{Want: ltxstore.ErrChecksum, Requests: counts{"GetObject": 1}}, matrix.WrongBytes),
		matrix.Every(matrix.Cell{Void: "a body of an object has any bytes: see the size and the checksum"}, matrix.ErrorIn200),
		denied(counts{"GetObject": 1}),
	)
	return map[string]row{
		"write": {matrix.Row{Hit: hit("PutObject"), Cells: matrix.Cells(repeated(put, "PutObject"), silent, denied(put))}, oss.Config{}, small},
		"send a part": {matrix.Row{Hit: hit("UploadPart"), Skip: 1, Cells: matrix.Cells(repeated(upload, "UploadPart"), silent,
			denied(counts{"InitiateMultipartUpload": 1, "UploadPart": 2, "AbortMultipartUpload": 1, "ListParts": 1}))}, oss.Config{Concurrency: 1}, large},
		"complete": {matrix.Row{Hit: hit("CompleteMultipartUpload"), At: 50, Cells: matrix.Cells(repeated(upload, "CompleteMultipartUpload"),
			// The object is there, and its checksum is compared.
			matrix.Every(matrix.Cell{Requests: plus(plus(upload, "CompleteMultipartUpload", 1), "HeadObject", 1)}, append([]matrix.Fault{matrix.LostAnswer}, cut...)...),
			matrix.Every(matrix.Cell{Requests: plus(upload, "CompleteMultipartUpload", 1)}, matrix.ErrorIn200),
			denied(plus(plus(upload, "AbortMultipartUpload", 1), "ListParts", 1)))}, oss.Config{}, large},
		"read": {matrix.Row{Hit: hit("GetObject"), At: 1000, Cells: matrix.Cells(reads,
			matrix.Every(matrix.Cell{Void: "there is no range"}, matrix.RangeLost))}, oss.Config{},
			func(w *matrix.World, ctx context.Context) error { return w.Read(ctx, largeSize, 0, 0) }},
		"read a range": {matrix.Row{Hit: hit("GetObject"), At: 1000, Cells: matrix.Cells(reads,
			matrix.Every(matrix.Cell{Void: "a range has no checksum: LTX has the file's own"}, matrix.WrongBytes),
			matrix.Every(matrix.Cell{Requests: counts{"GetObject": 1}}, matrix.RangeLost))}, oss.Config{},
			func(w *matrix.World, ctx context.Context) error { return w.Read(ctx, largeSize, 5000, 10_000) }},
		"list": {matrix.Row{Hit: hit("ListObjectsV2"), Skip: 1, At: 50, Cells: matrix.Cells(repeated(counts{"ListObjectsV2": 3}, "ListObjectsV2"),
			broken(counts{"ListObjectsV2": 4}), denied(counts{"ListObjectsV2": 2}))}, oss.Config{},
			func(w *matrix.World, ctx context.Context) error { return w.List(ctx, false) }},
		"delete": {matrix.Row{Hit: hit("DeleteMultipleObjects"), At: 50, Cells: matrix.Cells(repeated(counts{"DeleteMultipleObjects": 1}, "DeleteMultipleObjects"),
			broken(counts{"DeleteMultipleObjects": 2}),
			// What the answer does not name is deleted alone.
			matrix.Every(matrix.Cell{Requests: counts{"DeleteMultipleObjects": 1, "DeleteObject": 3}}, matrix.ErrorIn200), denied(counts{"DeleteMultipleObjects": 1}))}, oss.Config{},
			func(w *matrix.World, ctx context.Context) error { return w.Delete(ctx) }},
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
					f, err := makeFake(row.cfg, ossfake.Options{})
					require.NoError(t, err)
					server, client := memnet.Serve(f.layer)
					f.server, f.cfg.Endpoint, f.cfg.RoundTripper = server, server.URL, client
					defer func() { assert.NoError(t, f.close()) }()
					defer client.CloseIdleConnections()
					w := f.world(f.client(func(cfg *oss.Config) {
						cfg.Retry = ltxstore.Retry{MaxAttempts: matrix.OutageLength + 2}
					}))
					assert.NoError(t, matrix.Play(t.Context(), f.layer, ossErrors(), row.Row, fault, func(ctx context.Context) error { return row.do(w, ctx) }))
				})
			})
		}
	}
	assert.Empty(t, matrix.Holes(rows))
}

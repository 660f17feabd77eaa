package oss_test

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
	"github.com/ltxstore/ltxstore/backend/object"
	matrix "github.com/ltxstore/ltxstore/internal/testkit/faultmatrix"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/memnet"
	"github.com/ltxstore/ltxstore/internal/testkit/ossfake"
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

// passing are the faults after which the same request succeeds.
var passing = slices.Concat(matrix.Passing(), matrix.Foreign(), []matrix.Fault{matrix.LostAnswer})

type (
	counts    = matrix.Counts
	operation = matrix.Operation[oss.Config]
)

func operations() map[string]operation {
	hit := func(operation string) httpfault.Match { return httpfault.Match{Operation: operation} }
	silent, cut := matrix.Bodiless(), matrix.InBody()
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
		matrix.Denied(counts{"GetObject": 1}),
	)
	return map[string]operation{
		"write": {Row: matrix.Row{Hit: hit("PutObject"), Cells: matrix.Cells(matrix.Repeated(put, "PutObject"), silent, matrix.Denied(put))}, Config: oss.Config{}, Do: small},
		"send a part": {Row: matrix.Row{Hit: hit("UploadPart"), Skip: 1, Cells: matrix.Cells(matrix.Repeated(upload, "UploadPart"), silent,
			matrix.Denied(counts{"InitiateMultipartUpload": 1, "UploadPart": 2, "AbortMultipartUpload": 1, "ListParts": 1}))}, Config: oss.Config{Transfer: object.Options{Concurrency: 1}}, Do: large},
		"complete": {Row: matrix.Row{Hit: hit("CompleteMultipartUpload"), At: 50, Cells: matrix.Cells(matrix.Repeated(upload, "CompleteMultipartUpload"),
			// The object is there, and its checksum is compared.
			matrix.Every(matrix.Cell{Requests: matrix.Plus(matrix.Plus(upload, counts{"CompleteMultipartUpload": 1}), counts{"HeadObject": 1})}, append([]matrix.Fault{matrix.LostAnswer}, cut...)...),
			matrix.Every(matrix.Cell{Requests: matrix.Plus(upload, counts{"CompleteMultipartUpload": 1})}, matrix.ErrorIn200),
			matrix.Denied(matrix.Plus(matrix.Plus(upload, counts{"AbortMultipartUpload": 1}), counts{"ListParts": 1})))}, Config: oss.Config{}, Do: large},
		"read": {Row: matrix.Row{Hit: hit("GetObject"), At: 1000, Cells: matrix.Cells(reads,
			// How long it should be is asked for.
			matrix.Every(matrix.Cell{Requests: counts{"GetObject": 2, "HeadObject": 1}}, matrix.Shortened),
			matrix.Rangeless())}, Config: oss.Config{},
			Do: func(w *matrix.World, ctx context.Context) error { return w.Read(ctx, largeSize, 0, 0) }},
		"read a range": {Row: matrix.Row{Hit: hit("GetObject"), At: 1000, Cells: matrix.Cells(reads,
			matrix.Every(matrix.Cell{Void: "a range has no checksum: LTX has the file's own"}, matrix.WrongBytes),
			matrix.Every(matrix.Cell{Requests: counts{"GetObject": 1}}, matrix.RangeLost),
			matrix.Every(matrix.Cell{Requests: counts{"GetObject": 2}}, matrix.Spans()...))}, Config: oss.Config{},
			Do: func(w *matrix.World, ctx context.Context) error { return w.Read(ctx, largeSize, 5000, 10_000) }},
		"list": {Row: matrix.Row{Hit: hit("ListObjectsV2"), Skip: 1, At: 50, Cells: matrix.Cells(matrix.Repeated(counts{"ListObjectsV2": 3}, "ListObjectsV2"),
			broken(counts{"ListObjectsV2": 4}), matrix.Denied(counts{"ListObjectsV2": 2}))}, Config: oss.Config{},
			Do: func(w *matrix.World, ctx context.Context) error { return w.List(ctx, false) }},
		"delete": {Row: matrix.Row{Hit: hit("DeleteMultipleObjects"), At: 50, Cells: matrix.Cells(matrix.Repeated(counts{"DeleteMultipleObjects": 1}, "DeleteMultipleObjects"),
			broken(counts{"DeleteMultipleObjects": 2}),
			// What the answer does not name is deleted alone.
			matrix.Every(matrix.Cell{Requests: counts{"DeleteMultipleObjects": 1, "DeleteObject": 3}}, matrix.ErrorIn200), matrix.Denied(counts{"DeleteMultipleObjects": 1}))}, Config: oss.Config{},
			Do: func(w *matrix.World, ctx context.Context) error { return w.Delete(ctx) }},
	}
}

// TestFaults plays every fault against every operation.
func TestFaults(t *testing.T) {
	matrix.PlayAll(t, ossErrors(), operations(), func(t *testing.T, o operation, _ matrix.Fault) (*matrix.World, *httpfault.Layer) {
		f, err := makeFake(o.Config, ossfake.Options{})
		require.NoError(t, err)
		server, client := memnet.Serve(f.layer)
		f.server, f.cfg.Endpoint, f.cfg.HTTP.RoundTripper = server, server.URL, client
		t.Cleanup(func() { assert.NoError(t, f.close()) })
		t.Cleanup(client.CloseIdleConnections)
		return f.world(f.client(func(cfg *oss.Config) {
			cfg.Retry = ltxstore.Retry{MaxAttempts: matrix.OutageLength + 2}
		})), f.layer
	})
}

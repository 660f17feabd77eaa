package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	matrix "github.com/ltxstore/ltxstore/internal/testkit/faultmatrix"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/memnet"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/s3"
)

// amazonErrors are how the service fails.
func amazonErrors() matrix.Service {
	codes := map[int]string{500: "InternalError", 502: "BadGateway", 503: "SlowDown", 408: "RequestTimeout"}
	return matrix.Service{
		Error:       func(status int) httpfault.Effect { return httpfault.XML(status, codes[status]) },
		ErrorIn200:  httpfault.XML(200, "InternalError"),
		Expired:     httpfault.XML(400, "ExpiredToken"),
		IgnoreRange: func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) { x.Next.ServeHTTP(w, r) }, // the server does
	}
}

const (
	smallSize = 4 << 10
	largeSize = smallPart + 1000 // two parts
	listedN   = 2*fakePage + 4   // three pages
)

func (f *fake) world(client *s3.ReplicaClient) *matrix.World {
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

// setup is a client's configuration, and the fake's.
type setup struct {
	cfg  s3.Config
	fake s3fake.Options
}

type (
	counts    = matrix.Counts
	operation = matrix.Operation[setup]
)

// missing is what it costs to find out that an object is not there.
var missing = counts{"HeadObject": 1, "GetObject": 1}

// looked are the cells of a conditional write after whose failure the object is
// looked for, before anything is sent again.
func looked(requests counts) map[matrix.Fault]matrix.Cell {
	cell := matrix.Cell{Requests: matrix.Plus(requests, missing)}
	return matrix.Every(cell, matrix.Failed, matrix.BadGateway, matrix.TimedOut, matrix.Refused, matrix.Reset, matrix.HTMLPage, matrix.NoRoute, matrix.Bare404)
}

func operations() map[string]operation {
	hit := func(operation string) httpfault.Match { return httpfault.Match{Operation: operation} }
	small := func(w *matrix.World, ctx context.Context) error { return w.Write(ctx, smallSize) }
	large := func(w *matrix.World, ctx context.Context) error { return w.Write(ctx, largeSize) }
	upload := counts{"CreateMultipartUpload": 1, "UploadPart": 2, "CompleteMultipartUpload": 1}
	abort := counts{"AbortMultipartUpload": 1, "ListParts": 1}
	serial := s3.Config{Transfer: object.Options{Concurrency: 1}}
	once := s3.Config{WriteOnce: true}
	reads := func(well counts) map[matrix.Fault]matrix.Cell {
		return matrix.Cells(matrix.Repeated(well, "GetObject"),
			matrix.Every(matrix.Void("a body of an object has any bytes: see its size and checksum"), matrix.ErrorIn200),
			matrix.Every(matrix.Void("no checksum was stored with the object"), matrix.WrongBytes),
			// How long it should be is asked for.
			matrix.Every(matrix.Cell{Requests: matrix.Plus(well, counts{"GetObject": 1, "HeadObject": 1})}, matrix.Shortened),
			matrix.Denied(well))
	}
	get := counts{"GetObject": 1}
	read := func(offset, size int64) func(w *matrix.World, ctx context.Context) error {
		return func(w *matrix.World, ctx context.Context) error { return w.Read(ctx, 100_000, offset, size) }
	}
	return map[string]operation{
		"write": {Row: matrix.Row{Hit: hit("PutObject"), Cells: matrix.Cells(matrix.Repeated(counts{"PutObject": 1}, "PutObject"), matrix.Bodiless(),
			// The service was not asked: the object is looked for.
			matrix.Every(matrix.Cell{Want: ltxstore.ErrUnavailable, Requests: matrix.Plus(missing, counts{"PutObject": 1})}, matrix.Page, matrix.Nothing),
			matrix.Denied(counts{"PutObject": 1}))}, Do: small},
		"write, once": {Row: matrix.Row{Hit: hit("PutObject"), Cells: matrix.Cells(matrix.Repeated(counts{"PutObject": 1}, "PutObject"), matrix.Bodiless(),
			looked(counts{"PutObject": 2}), matrix.Every(matrix.Cell{Requests: counts{"PutObject": 1, "HeadObject": 1, "GetObject": 1}}, matrix.LostAnswer),
			matrix.Every(matrix.Cell{Requests: counts{"PutObject": 2, "HeadObject": 2, "GetObject": 2}}, matrix.Page, matrix.Nothing),
			matrix.Denied(counts{"PutObject": 1}))}, Config: setup{cfg: once}, Do: small},
		"create an upload": {Row: matrix.Row{Hit: hit("CreateMultipartUpload"), At: 50, Cells: matrix.Cells(matrix.Repeated(upload, "CreateMultipartUpload"),
			matrix.Denied(counts{"CreateMultipartUpload": 1}))}, Config: setup{cfg: serial}, Do: large},
		"upload a part": {Row: matrix.Row{Hit: hit("UploadPart"), Skip: 1, Cells: matrix.Cells(matrix.Repeated(upload, "UploadPart"), matrix.Bodiless(),
			matrix.Denied(matrix.Plus(counts{"CreateMultipartUpload": 1, "UploadPart": 2}, abort)))}, Config: setup{cfg: serial}, Do: large},
		"complete an upload": {Row: matrix.Row{Hit: hit("CompleteMultipartUpload"), At: 50, Cells: matrix.Cells(matrix.Repeated(upload, "CompleteMultipartUpload"),
			// The second completion meets no upload any more: is the object there?
			matrix.Every(matrix.Cell{Requests: matrix.Plus(upload, counts{"CompleteMultipartUpload": 1, "HeadObject": 1, "GetObject": 1})}, append([]matrix.Fault{matrix.LostAnswer}, matrix.InBody()...)...),
			matrix.Every(matrix.Cell{Want: ltxstore.ErrUnavailable, Requests: matrix.Plus(matrix.Plus(upload, abort), missing)}, matrix.Nothing),
			matrix.Denied(matrix.Plus(upload, abort)))}, Config: setup{cfg: serial}, Do: large},
		"complete an upload, once": {Row: matrix.Row{Hit: hit("CompleteMultipartUpload"), At: 50, Cells: matrix.Cells(matrix.Repeated(upload, "CompleteMultipartUpload"),
			looked(matrix.Plus(upload, counts{"CompleteMultipartUpload": 1})),
			matrix.Every(matrix.Cell{Requests: matrix.Plus(upload, counts{"CompleteMultipartUpload": 1, "HeadObject": 1, "GetObject": 1})}, matrix.ErrorIn200),
			// The object that is found may be another's: the upload is ended, if it is still there.
			matrix.Every(matrix.Cell{Requests: matrix.Plus(upload, counts{"HeadObject": 1, "GetObject": 1, "AbortMultipartUpload": 1})}, append([]matrix.Fault{matrix.LostAnswer}, matrix.InBody()...)...),
			matrix.Every(matrix.Cell{Requests: matrix.Plus(upload, counts{"CompleteMultipartUpload": 1, "HeadObject": 1, "GetObject": 1})}, matrix.Page),
			matrix.Every(matrix.Cell{Requests: matrix.Plus(upload, counts{"CompleteMultipartUpload": 1, "HeadObject": 2, "GetObject": 2})}, matrix.Nothing),
			matrix.Denied(matrix.Plus(upload, abort)))}, Config: setup{cfg: s3.Config{Transfer: object.Options{Concurrency: 1}, WriteOnce: true}}, Do: large},
		"read": {Row: matrix.Row{Hit: hit("GetObject"), At: 1000, Cells: reads(get)}, Do: read(0, 0)},
		"read a range": {Row: matrix.Row{Hit: hit("GetObject"), At: 1000, Cells: matrix.Cells(reads(get), matrix.Every(matrix.Cell{Requests: get}, matrix.RangeLost),
			matrix.Every(matrix.Cell{Requests: counts{"GetObject": 2}}, matrix.Shortened),
			matrix.Every(matrix.Cell{Requests: counts{"GetObject": 2}}, matrix.Spans()...))}, Do: read(5000, 10_000)},
		"read what has a checksum": {Row: matrix.Row{Hit: hit("GetObject"), At: 1000, Cells: matrix.Cells(reads(counts{"PutObject": 1, "GetObject": 1}),
			matrix.Every(matrix.Cell{Want: ltxstore.ErrChecksum, Requests: counts{"PutObject": 1, "GetObject": 1}}, matrix.WrongBytes))},
			Config: setup{cfg: s3.Config{ChecksumAlgorithm: "crc32"}}, Do: func(w *matrix.World, ctx context.Context) error { return w.ReadBack(ctx, 100_000) }},
		"list": {Row: matrix.Row{Hit: hit("ListObjectsV2"), Skip: 1, At: 200, Cells: matrix.Cells(matrix.Repeated(counts{"ListObjectsV2": 3}, "ListObjectsV2"),
			matrix.Denied(counts{"ListObjectsV2": 2}))}, Do: func(w *matrix.World, ctx context.Context) error { return w.List(ctx, false) }},
		"look up a time": {Row: matrix.Row{Hit: hit("HeadObject"), Skip: listedN - 1, Cells: matrix.Cells(matrix.Repeated(counts{"ListObjectsV2": 3, "HeadObject": listedN, "GetObject": listedN}, "HeadObject"), matrix.Bodiless(),
			// What a HEAD may mean by 404, a GET tells.
			matrix.Every(matrix.Cell{Requests: counts{"ListObjectsV2": 3, "HeadObject": listedN, "GetObject": listedN + 1}}, matrix.NoRoute, matrix.Bare404),
			// A HEAD has no body to say more than "bad request".
			matrix.Every(matrix.Cell{Want: matrix.ErrNoKind, Requests: counts{"ListObjectsV2": 3, "HeadObject": listedN, "GetObject": listedN - 1}}, matrix.Expired))}, Config: setup{cfg: s3.Config{Transfer: object.Options{MetadataConcurrency: 1}}},
			Do: func(w *matrix.World, ctx context.Context) error { return w.List(ctx, true) }},
		"look up a header": {Row: matrix.Row{Hit: hit("GetObject"), Skip: listedN - 1, At: 50, Cells: matrix.Cells(matrix.Repeated(counts{"ListObjectsV2": 3, "HeadObject": listedN, "GetObject": listedN}, "GetObject"),
			matrix.Every(matrix.Void("a header has no checksum in a range"), matrix.WrongBytes),
			matrix.Every(matrix.Void("a body of an object has any bytes: see its size and checksum"), matrix.ErrorIn200),
			matrix.Every(matrix.Cell{Requests: counts{"ListObjectsV2": 3, "HeadObject": listedN, "GetObject": listedN}}, matrix.RangeLost),
			matrix.Every(matrix.Cell{Requests: counts{"ListObjectsV2": 3, "HeadObject": listedN, "GetObject": listedN + 1}}, matrix.Spans()...),
			matrix.Denied(counts{"ListObjectsV2": 3, "HeadObject": listedN, "GetObject": listedN}))}, Config: setup{cfg: s3.Config{Transfer: object.Options{MetadataConcurrency: 1}}},
			Do: func(w *matrix.World, ctx context.Context) error { return w.List(ctx, true) }},
		"delete": {Row: matrix.Row{Hit: hit("DeleteObjects"), At: 50, Cells: matrix.Cells(matrix.Repeated(counts{"DeleteObjects": 1}, "DeleteObjects"),
			// Of no file is said that it is deleted.
			matrix.Every(matrix.Cell{Requests: counts{"DeleteObjects": 1, "DeleteObject": 3}}, matrix.Nothing),
			matrix.Denied(counts{"DeleteObjects": 1}))}, Do: func(w *matrix.World, ctx context.Context) error { return w.Delete(ctx) }},
		"delete one by one": {Row: matrix.Row{Hit: hit("DeleteObject"), Cells: matrix.Cells(matrix.Repeated(counts{"DeleteObjects": 1, "DeleteObject": 3}, "DeleteObject"), matrix.Bodiless(),
			matrix.Every(matrix.Void("the service's own answer is no more, and a few say 200"), matrix.Nothing),
			matrix.Denied(counts{"DeleteObjects": 1, "DeleteObject": 3}))}, Config: setup{fake: s3fake.Options{NoBatchDelete: true}},
			Do: func(w *matrix.World, ctx context.Context) error { return w.Delete(ctx) }},
		"delete all": {Row: matrix.Row{Hit: hit("ListObjectsV2"), Skip: 1, At: 200, Cells: matrix.Cells(matrix.Repeated(counts{"ListMultipartUploads": 1, "ListObjectsV2": 5, "DeleteObjects": 1}, "ListObjectsV2"),
			matrix.Denied(counts{"ListMultipartUploads": 1, "ListObjectsV2": 3}))}, Do: func(w *matrix.World, ctx context.Context) error { return w.DeleteAll(ctx) }},
		"list uploads": {Row: matrix.Row{Hit: hit("ListMultipartUploads"), At: 50, Cells: matrix.Cells(matrix.Repeated(counts{"ListMultipartUploads": 1, "ListObjectsV2": 5, "DeleteObjects": 1}, "ListMultipartUploads"),
			matrix.Denied(counts{"ListMultipartUploads": 1, "ListObjectsV2": 5, "DeleteObjects": 1}))}, Do: func(w *matrix.World, ctx context.Context) error { return w.DeleteAll(ctx) }},
	}
}

// abortOperations are those of a write that fails anyway: it cleans up, and has ten
// seconds for that.
func abortOperations() map[string]operation {
	begun, abort := counts{"CreateMultipartUpload": 1, "UploadPart": 1}, counts{"AbortMultipartUpload": 1, "ListParts": 1}
	aborted := matrix.Plus(begun, abort)
	hit := func(operation string) httpfault.Match { return httpfault.Match{Operation: operation} }
	late := matrix.Every(matrix.Void("it is longer than the ten seconds"), matrix.Throttled, matrix.Outage, matrix.Stalled)
	cfg := s3.Config{Transfer: object.Options{Concurrency: 1}}
	return map[string]operation{
		"abort an upload": {Row: matrix.Row{Hit: hit("AbortMultipartUpload"), Cells: matrix.Cells(matrix.Repeated(aborted, "AbortMultipartUpload"), matrix.Bodiless(), late,
			// The second meets no upload any more.
			matrix.Every(matrix.Cell{Requests: matrix.Plus(begun, counts{"AbortMultipartUpload": 2})}, matrix.LostAnswer),
			// The service's own answer is no more: but the upload is still there.
			matrix.Every(matrix.Cell{Requests: matrix.Plus(aborted, abort)}, matrix.Nothing),
			matrix.Every(matrix.Cell{Want: errUploadStays, Requests: matrix.Plus(begun, counts{"AbortMultipartUpload": 1})}, matrix.Expired))}, Config: setup{cfg: cfg}, Do: failingWrite},
		// A 404 is what is hoped for, but none of a proxy.
		"look for an aborted upload": {Row: matrix.Row{Hit: hit("ListParts"), At: 50, Cells: matrix.Cells(matrix.Repeated(aborted, "ListParts"), late,
			matrix.Every(matrix.Cell{Requests: aborted}, matrix.Expired))}, Config: setup{cfg: cfg}, Do: failingWrite},
	}
}

var errUploadStays = errors.New("an upload was left")

// failingWrite writes from a source that breaks in its second part.
func failingWrite(w *matrix.World, ctx context.Context) error {
	broken := errors.New("the source is broken")
	body := io.MultiReader(bytes.NewReader(matrix.Body(largeSize)), iotest.ErrReader(broken))
	_, err := w.Client.WriteLTXFile(ctx, 0, 1, 1, body)
	switch {
	case !errors.Is(err, broken):
		return fmt.Errorf("its error is not the source's: %w", err)
	case len(w.Leftovers()) > 0:
		return errUploadStays
	case len(w.Keys()) > 0:
		return errors.New("a file was stored")
	}
	return nil
}

// newMemoryFake returns a fake in the clock of testing/synctest.
func newMemoryFake(t *testing.T, cfg s3.Config, opt s3fake.Options) *fake {
	t.Helper()
	opt.MinPart = smallPart
	s3.TakeSmallParts(&cfg, smallPart)
	f, err := makeFake(cfg, opt)
	require.NoError(t, err)
	server, client := memnet.Serve(f.layer)
	f.server, f.cfg.Endpoint, f.cfg.HTTP.RoundTripper = server, server.URL, client
	t.Cleanup(func() { assert.NoError(t, f.close()) })
	t.Cleanup(client.CloseIdleConnections)
	return f
}

// TestFaults plays every fault against every operation.
func TestFaults(t *testing.T) {
	all := operations()
	maps.Copy(all, abortOperations())
	matrix.PlayAll(t, amazonErrors(), all, func(t *testing.T, o operation, fault matrix.Fault) (*matrix.World, *httpfault.Layer) {
		o.Config.fake.NoRange = fault == matrix.RangeLost
		f := newMemoryFake(t, o.Config.cfg, o.Config.fake)
		w := f.world(f.client(func(cfg *s3.Config) {
			cfg.Retry = ltxstore.Retry{MaxAttempts: matrix.OutageLength + 2}
		}))
		if o.Hit.Operation == "CreateMultipartUpload" {
			w.Orphans = 1 // one whose ID was lost: DeleteAll finds it
		}
		return w, f.layer
	})
}

// Nothing above or below repeats what the policy has repeated: in an outage
// without an end, each request is sent as often as the policy says.
func TestOneLayerOfRetries(t *testing.T) {
	const attempts = 3
	for name, o := range operations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newMemoryFake(t, o.Config.cfg, o.Config.fake)
				w := f.world(f.client(func(cfg *s3.Config) { cfg.Retry.MaxAttempts = attempts }))
				f.layer.Add(&httpfault.Rule{Match: o.Hit, Skip: o.Skip, Times: -1, Do: amazonErrors().Error(503)})
				require.ErrorIs(t, o.Do(w, t.Context()), ltxstore.ErrThrottled)
				want := o.Skip + attempts
				switch name {
				case "delete one by one":
					want *= 3 // files
				case "delete all": // and the level of snapshots, which fails apart
					want += attempts
				}
				assert.Equal(t, want, f.layer.Counts()[o.Hit.Operation], "%v", f.layer.Counts())
			})
		})
	}
}

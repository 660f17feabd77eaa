package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	matrix "github.com/ltxstore/ltxstore/internal/testkit/faultmatrix"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/memnet"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
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

type counts = map[string]int

// plus returns the counts of an operation that costs well and these more.
func plus(well counts, more counts) counts {
	sum := maps.Clone(well)
	for name, n := range more {
		sum[name] += n
	}
	return sum
}

// passing are the faults after which the same request succeeds, and cut those
// that break an answer in its body.
var (
	passing = []matrix.Fault{matrix.Throttled, matrix.Failed, matrix.BadGateway, matrix.TimedOut, matrix.Refused, matrix.Reset, matrix.HTMLPage}
	cut     = []matrix.Fault{matrix.ResetInBody, matrix.Stalled, matrix.Truncated}
)

type faultRow struct {
	matrix.Row
	cfg  s3.Config
	fake s3fake.Options
	do   func(*matrix.World, context.Context) error
}

// repeated are the cells of an operation whose request hit is sent again.
func repeated(well counts, hit string) map[matrix.Fault]matrix.Cell {
	again := matrix.Cell{Requests: plus(well, counts{hit: 1})}
	return matrix.Cells(
		matrix.Every(again, passing...),
		matrix.Every(again, cut...),
		matrix.Every(again, matrix.LostAnswer, matrix.ErrorIn200, matrix.Page, matrix.Nothing, matrix.NoRoute, matrix.Bare404),
		matrix.Every(matrix.Cell{Requests: plus(well, counts{hit: matrix.OutageLength})}, matrix.Outage),
		matrix.Every(void("there is no range"), matrix.RangeLost),
		matrix.Every(void("an answer in XML has no checksum"), matrix.WrongBytes),
	)
}

func void(why string) matrix.Cell { return matrix.Cell{Void: why} }

func bodiless() map[matrix.Fault]matrix.Cell {
	return matrix.Every(void("the answer has no body"), append([]matrix.Fault{matrix.ErrorIn200}, cut...)...)
}

func denied(requests counts) map[matrix.Fault]matrix.Cell {
	return matrix.Every(matrix.Cell{Want: fs.ErrPermission, Requests: requests}, matrix.Expired)
}

// missing is what it costs to find out that an object is not there.
var missing = counts{"HeadObject": 1, "GetObject": 1}

// looked are the cells of a conditional write after whose failure the object is
// looked for, before anything is sent again.
func looked(requests counts) map[matrix.Fault]matrix.Cell {
	cell := matrix.Cell{Requests: plus(requests, missing)}
	return matrix.Every(cell, matrix.Failed, matrix.BadGateway, matrix.TimedOut, matrix.Refused, matrix.Reset, matrix.HTMLPage, matrix.NoRoute, matrix.Bare404)
}

func faultRows() map[string]faultRow {
	hit := func(operation string) httpfault.Match { return httpfault.Match{Operation: operation} }
	small := func(w *matrix.World, ctx context.Context) error { return w.Write(ctx, smallSize) }
	large := func(w *matrix.World, ctx context.Context) error { return w.Write(ctx, largeSize) }
	upload := counts{"CreateMultipartUpload": 1, "UploadPart": 2, "CompleteMultipartUpload": 1}
	abort := counts{"AbortMultipartUpload": 1, "ListParts": 1}
	serial := s3.Config{Concurrency: 1}
	once := s3.Config{WriteOnce: true}
	reads := func(well counts) map[matrix.Fault]matrix.Cell {
		return matrix.Cells(repeated(well, "GetObject"),
			matrix.Every(void("a body of an object has any bytes: see its size and checksum"), matrix.ErrorIn200),
			matrix.Every(void("no checksum was stored with the object"), matrix.WrongBytes),
			denied(well))
	}
	get := counts{"GetObject": 1}
	read := func(offset, size int64) func(w *matrix.World, ctx context.Context) error {
		return func(w *matrix.World, ctx context.Context) error { return w.Read(ctx, 100_000, offset, size) }
	}
	return map[string]faultRow{
		"write": {Row: matrix.Row{Hit: hit("PutObject"), Cells: matrix.Cells(repeated(counts{"PutObject": 1}, "PutObject"), bodiless(),
			// The service was not asked: the object is looked for.
			matrix.Every(matrix.Cell{Want: ltxstore.ErrUnavailable, Requests: plus(missing, counts{"PutObject": 1})}, matrix.Page, matrix.Nothing),
			denied(counts{"PutObject": 1}))}, do: small},
		"write, once": {Row: matrix.Row{Hit: hit("PutObject"), Cells: matrix.Cells(repeated(counts{"PutObject": 1}, "PutObject"), bodiless(),
			looked(counts{"PutObject": 2}), matrix.Every(matrix.Cell{Requests: counts{"PutObject": 1, "HeadObject": 1, "GetObject": 1}}, matrix.LostAnswer),
			matrix.Every(matrix.Cell{Requests: counts{"PutObject": 2, "HeadObject": 2, "GetObject": 2}}, matrix.Page, matrix.Nothing),
			denied(counts{"PutObject": 1}))}, cfg: once, do: small},
		"create an upload": {Row: matrix.Row{Hit: hit("CreateMultipartUpload"), At: 50, Cells: matrix.Cells(repeated(upload, "CreateMultipartUpload"),
			denied(counts{"CreateMultipartUpload": 1}))}, cfg: serial, do: large},
		"upload a part": {Row: matrix.Row{Hit: hit("UploadPart"), Skip: 1, Cells: matrix.Cells(repeated(upload, "UploadPart"), bodiless(),
			denied(plus(counts{"CreateMultipartUpload": 1, "UploadPart": 2}, abort)))}, cfg: serial, do: large},
		"complete an upload": {Row: matrix.Row{Hit: hit("CompleteMultipartUpload"), At: 50, Cells: matrix.Cells(repeated(upload, "CompleteMultipartUpload"),
			// The second completion meets no upload any more: is the object there?
			matrix.Every(matrix.Cell{Requests: plus(upload, counts{"CompleteMultipartUpload": 1, "HeadObject": 1, "GetObject": 1})}, append([]matrix.Fault{matrix.LostAnswer}, cut...)...),
			matrix.Every(matrix.Cell{Want: ltxstore.ErrUnavailable, Requests: plus(plus(upload, abort), missing)}, matrix.Nothing),
			denied(plus(upload, abort)))}, cfg: serial, do: large},
		"complete an upload, once": {Row: matrix.Row{Hit: hit("CompleteMultipartUpload"), At: 50, Cells: matrix.Cells(repeated(upload, "CompleteMultipartUpload"),
			looked(plus(upload, counts{"CompleteMultipartUpload": 1})),
			matrix.Every(matrix.Cell{Requests: plus(upload, counts{"CompleteMultipartUpload": 1, "HeadObject": 1, "GetObject": 1})}, matrix.ErrorIn200),
			// The object that is found may be another's: the upload is ended, if it is still there.
			matrix.Every(matrix.Cell{Requests: plus(upload, counts{"HeadObject": 1, "GetObject": 1, "AbortMultipartUpload": 1})}, append([]matrix.Fault{matrix.LostAnswer}, cut...)...),
			matrix.Every(matrix.Cell{Requests: plus(upload, counts{"CompleteMultipartUpload": 1, "HeadObject": 1, "GetObject": 1})}, matrix.Page),
			matrix.Every(matrix.Cell{Requests: plus(upload, counts{"CompleteMultipartUpload": 1, "HeadObject": 2, "GetObject": 2})}, matrix.Nothing),
			denied(plus(upload, abort)))}, cfg: s3.Config{Concurrency: 1, WriteOnce: true}, do: large},
		"read":         {Row: matrix.Row{Hit: hit("GetObject"), At: 1000, Cells: reads(get)}, do: read(0, 0)},
		"read a range": {Row: matrix.Row{Hit: hit("GetObject"), At: 1000, Cells: matrix.Cells(reads(get), matrix.Every(matrix.Cell{Requests: get}, matrix.RangeLost))}, do: read(5000, 10_000)},
		"read what has a checksum": {Row: matrix.Row{Hit: hit("GetObject"), At: 1000, Cells: matrix.Cells(reads(counts{"PutObject": 1, "GetObject": 1}),
			matrix.Every(matrix.Cell{Want: ltxstore.ErrChecksum, Requests: counts{"PutObject": 1, "GetObject": 1}}, matrix.WrongBytes))},
			cfg: s3.Config{ChecksumAlgorithm: "crc32"}, do: func(w *matrix.World, ctx context.Context) error { return w.ReadBack(ctx, 100_000) }},
		"list": {Row: matrix.Row{Hit: hit("ListObjectsV2"), Skip: 1, At: 200, Cells: matrix.Cells(repeated(counts{"ListObjectsV2": 3}, "ListObjectsV2"),
			denied(counts{"ListObjectsV2": 2}))}, do: func(w *matrix.World, ctx context.Context) error { return w.List(ctx, false) }},
		"look up a time": {Row: matrix.Row{Hit: hit("HeadObject"), Skip: listedN - 1, Cells: matrix.Cells(repeated(counts{"ListObjectsV2": 3, "HeadObject": listedN, "GetObject": listedN}, "HeadObject"), bodiless(),
			// What a HEAD may mean by 404, a GET tells.
			matrix.Every(matrix.Cell{Requests: counts{"ListObjectsV2": 3, "HeadObject": listedN, "GetObject": listedN + 1}}, matrix.NoRoute, matrix.Bare404),
			// A HEAD has no body to say more than "bad request".
			matrix.Every(matrix.Cell{Want: matrix.ErrNoKind, Requests: counts{"ListObjectsV2": 3, "HeadObject": listedN, "GetObject": listedN - 1}}, matrix.Expired))}, cfg: s3.Config{MetadataConcurrency: 1},
			do: func(w *matrix.World, ctx context.Context) error { return w.List(ctx, true) }},
		"look up a header": {Row: matrix.Row{Hit: hit("GetObject"), Skip: listedN - 1, At: 50, Cells: matrix.Cells(repeated(counts{"ListObjectsV2": 3, "HeadObject": listedN, "GetObject": listedN}, "GetObject"),
			matrix.Every(void("a header has no checksum in a range"), matrix.WrongBytes),
			matrix.Every(void("a body of an object has any bytes: see its size and checksum"), matrix.ErrorIn200),
			matrix.Every(matrix.Cell{Requests: counts{"ListObjectsV2": 3, "HeadObject": listedN, "GetObject": listedN}}, matrix.RangeLost),
			denied(counts{"ListObjectsV2": 3, "HeadObject": listedN, "GetObject": listedN}))}, cfg: s3.Config{MetadataConcurrency: 1},
			do: func(w *matrix.World, ctx context.Context) error { return w.List(ctx, true) }},
		"delete": {Row: matrix.Row{Hit: hit("DeleteObjects"), At: 50, Cells: matrix.Cells(repeated(counts{"DeleteObjects": 1}, "DeleteObjects"),
			// Of no file is said that it is deleted.
			matrix.Every(matrix.Cell{Requests: counts{"DeleteObjects": 1, "DeleteObject": 3}}, matrix.Nothing),
			denied(counts{"DeleteObjects": 1}))}, do: func(w *matrix.World, ctx context.Context) error { return w.Delete(ctx) }},
		"delete one by one": {Row: matrix.Row{Hit: hit("DeleteObject"), Cells: matrix.Cells(repeated(counts{"DeleteObjects": 1, "DeleteObject": 3}, "DeleteObject"), bodiless(),
			matrix.Every(void("the service's own answer is no more, and a few say 200"), matrix.Nothing),
			denied(counts{"DeleteObjects": 1, "DeleteObject": 3}))}, fake: s3fake.Options{NoBatchDelete: true},
			do: func(w *matrix.World, ctx context.Context) error { return w.Delete(ctx) }},
		"delete all": {Row: matrix.Row{Hit: hit("ListObjectsV2"), Skip: 1, At: 200, Cells: matrix.Cells(repeated(counts{"ListMultipartUploads": 1, "ListObjectsV2": 5, "DeleteObjects": 1}, "ListObjectsV2"),
			denied(counts{"ListMultipartUploads": 1, "ListObjectsV2": 3}))}, do: func(w *matrix.World, ctx context.Context) error { return w.DeleteAll(ctx) }},
		"list uploads": {Row: matrix.Row{Hit: hit("ListMultipartUploads"), At: 50, Cells: matrix.Cells(repeated(counts{"ListMultipartUploads": 1, "ListObjectsV2": 5, "DeleteObjects": 1}, "ListMultipartUploads"),
			denied(counts{"ListMultipartUploads": 1, "ListObjectsV2": 5, "DeleteObjects": 1}))}, do: func(w *matrix.World, ctx context.Context) error { return w.DeleteAll(ctx) }},
	}
}

// abortRows are those of a write that fails anyway: it cleans up, and has ten
// seconds for that.
func abortRows() map[string]faultRow {
	begun, abort := counts{"CreateMultipartUpload": 1, "UploadPart": 1}, counts{"AbortMultipartUpload": 1, "ListParts": 1}
	aborted := plus(begun, abort)
	hit := func(operation string) httpfault.Match { return httpfault.Match{Operation: operation} }
	late := matrix.Every(void("it is longer than the ten seconds"), matrix.Throttled, matrix.Outage, matrix.Stalled)
	cfg := s3.Config{Concurrency: 1}
	return map[string]faultRow{
		"abort an upload": {Row: matrix.Row{Hit: hit("AbortMultipartUpload"), Cells: matrix.Cells(repeated(aborted, "AbortMultipartUpload"), bodiless(), late,
			// The second meets no upload any more.
			matrix.Every(matrix.Cell{Requests: plus(begun, counts{"AbortMultipartUpload": 2})}, matrix.LostAnswer),
			// The service's own answer is no more: but the upload is still there.
			matrix.Every(matrix.Cell{Requests: plus(aborted, abort)}, matrix.Nothing),
			matrix.Every(matrix.Cell{Want: errUploadStays, Requests: plus(begun, counts{"AbortMultipartUpload": 1})}, matrix.Expired))}, cfg: cfg, do: failingWrite},
		// A 404 is what is hoped for, but none of a proxy.
		"look for an aborted upload": {Row: matrix.Row{Hit: hit("ListParts"), At: 50, Cells: matrix.Cells(repeated(aborted, "ListParts"), late,
			matrix.Every(matrix.Cell{Requests: aborted}, matrix.Expired))}, cfg: cfg, do: failingWrite},
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
	f.server, f.cfg.Endpoint, f.cfg.RoundTripper = server, server.URL, client
	t.Cleanup(func() { assert.NoError(t, f.close()) })
	t.Cleanup(client.CloseIdleConnections)
	return f
}

// TestFaults plays every fault against every operation.
func TestFaults(t *testing.T) {
	var rows []matrix.Row
	plays := race.OneOf(5)
	all := faultRows()
	maps.Copy(all, abortRows())
	for name, row := range all {
		row.Name = name
		rows = append(rows, row.Row)
		for _, fault := range matrix.Faults() {
			if row.Cells[fault].Void != "" || !plays() {
				continue
			}
			t.Run(name+"/"+string(fault), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { playFault(t, row, fault) })
			})
		}
	}
	assert.Empty(t, matrix.Holes(rows))
}

func playFault(t *testing.T, row faultRow, fault matrix.Fault) {
	row.fake.NoRange = fault == matrix.RangeLost
	f := newMemoryFake(t, row.cfg, row.fake)
	w := f.world(f.client(func(cfg *s3.Config) {
		cfg.Retry = ltxstore.Retry{MaxAttempts: matrix.OutageLength + 2}
	}))
	if row.Hit.Operation == "CreateMultipartUpload" {
		w.Orphans = 1 // one whose ID was lost: DeleteAll finds it
	}
	assert.NoError(t, matrix.Play(t.Context(), f.layer, amazonErrors(), row.Row, fault, func(ctx context.Context) error { return row.do(w, ctx) }))
}

// Nothing above or below repeats what the policy has repeated: in an outage
// without an end, each request is sent as often as the policy says.
func TestOneLayerOfRetries(t *testing.T) {
	const attempts = 3
	for name, row := range faultRows() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newMemoryFake(t, row.cfg, row.fake)
				w := f.world(f.client(func(cfg *s3.Config) { cfg.Retry.MaxAttempts = attempts }))
				f.layer.Add(&httpfault.Rule{Match: row.Hit, Skip: row.Skip, Times: -1, Do: amazonErrors().Error(503)})
				require.ErrorIs(t, row.do(w, t.Context()), ltxstore.ErrThrottled)
				want := row.Skip + attempts
				switch name {
				case "delete one by one":
					want *= 3 // files
				case "delete all": // and the level of snapshots, which fails apart
					want += attempts
				}
				assert.Equal(t, want, f.layer.Counts()[row.Hit.Operation], "%v", f.layer.Counts())
			})
		})
	}
}

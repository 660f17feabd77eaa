package gcs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/gcs"
	matrix "github.com/ltxstore/ltxstore/internal/faultmatrix"
	"github.com/ltxstore/ltxstore/internal/gcsfake"
	"github.com/ltxstore/ltxstore/internal/httpfault"
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

// world is a replica to which a row does something.
type world struct {
	*fake
	client  *gcs.ReplicaClient
	orphans int // uploads of which nobody has been told
}

const (
	smallSize = 4 << 10
	largeSize = 2*fakeChunk + 1000 // three chunks
	listedN   = 2*fakePage + 4     // three pages
)

func faultBody(size int) []byte {
	hdr := ltx.Header{Version: ltx.Version, PageSize: 4096, Commit: 1, MinTXID: 1, MaxTXID: 1,
		Timestamp: 1_700_000_000_123, Flags: ltx.HeaderFlagNoChecksum}
	b, err := hdr.MarshalBinary()
	if err != nil {
		panic(err)
	}
	for i := len(b); i < size; i++ {
		b = append(b, byte(i*7))
	}
	return b
}

func (w *world) key(txid int) string {
	return fakePath + "/" + w.keys.File(0, ltx.TXID(txid), ltx.TXID(txid))
}

// write stores a body and looks at what came of it.
func (w *world) write(ctx context.Context, size int) error {
	body := faultBody(size)
	info, err := w.client.WriteLTXFile(ctx, 0, 1, 1, struct{ io.Reader }{bytes.NewReader(body)})
	o, stored := w.Get(fakeBucket, w.key(1))
	switch {
	case len(w.Sessions(fakeBucket)) > w.orphans:
		return errors.New("an upload was left")
	case stored && !bytes.Equal(o.Body, body):
		return errors.New("other bytes were stored")
	case err == nil && (!stored || info.Size != int64(size)):
		return errors.New("success without a file")
	}
	return err
}

// read reads a range of a file that is there.
func (w *world) read(ctx context.Context, offset, size int64) error {
	body := faultBody(largeSize)
	w.Put(fakeBucket, w.key(1), body)
	r, err := w.client.OpenLTXFile(ctx, 0, 1, 1, offset, size)
	if err != nil {
		return err
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	want := body[offset:]
	if size > 0 {
		want = want[:size]
	}
	switch {
	case !bytes.HasPrefix(want, got) && err == nil:
		return errors.New("other bytes were read")
	case err == nil && len(got) < len(want):
		return errors.New("a short success")
	}
	return err
}

func (w *world) fill() {
	for i := range listedN {
		w.Put(fakeBucket, w.key(i+1), faultBody(200))
	}
}

func (w *world) list(ctx context.Context, useMetadata bool) error {
	w.fill()
	it, err := w.client.LTXFiles(ctx, 0, 0, useMetadata)
	if err != nil {
		return err
	}
	n := 0
	for it.Next() {
		if n++; it.Item().MinTXID != ltx.TXID(n) {
			return fmt.Errorf("file %d came as number %d", it.Item().MinTXID, n)
		}
	}
	if err := it.Close(); err != nil {
		return err
	}
	if n != listedN {
		return fmt.Errorf("%d files of %d were taken for all", n, listedN)
	}
	return nil
}

func (w *world) delete(ctx context.Context) error {
	w.fill()
	var files []*ltx.FileInfo
	for i := range 3 {
		files = append(files, &ltx.FileInfo{MinTXID: ltx.TXID(i + 1), MaxTXID: ltx.TXID(i + 1)})
	}
	if err := w.client.DeleteLTXFiles(ctx, files); err != nil {
		return err
	}
	if n := len(w.Keys(fakeBucket)); n != listedN-3 {
		return fmt.Errorf("%d files are left", n)
	}
	return nil
}

func (w *world) deleteAll(ctx context.Context) error {
	w.fill()
	if err := w.client.DeleteAll(ctx); err != nil {
		return err
	}
	if n := len(w.Keys(fakeBucket)); n > 0 {
		return fmt.Errorf("%d files are left", n)
	}
	return nil
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
		matrix.Every(matrix.Cell{Requests: cost(1)}, matrix.LostAnswer, matrix.ErrorIn200),
		matrix.Every(matrix.Cell{Requests: cost(matrix.OutageLength)}, matrix.Outage),
		matrix.Every(matrix.Cell{Void: "there is no range"}, matrix.RangeLost),
		matrix.Every(matrix.Cell{Void: "an answer in JSON has no checksum: what it says of content is compared"}, matrix.WrongBytes),
	)
}

func faultRows() map[string]struct {
	matrix.Row
	cfg gcs.Config
	do  func(*world, context.Context) error
} {
	type row = struct {
		matrix.Row
		cfg gcs.Config
		do  func(*world, context.Context) error
	}
	hit := func(operation string) httpfault.Match { return httpfault.Match{Operation: operation} }
	upload := counts{"StartResumableWrite": 1, "WriteChunk": 3}
	ended := counts{"StartResumableWrite": 1, "WriteChunk": 2, "CancelResumableWrite": 1}
	denied := func(requests counts) map[matrix.Fault]matrix.Cell {
		return matrix.Every(matrix.Cell{Want: fs.ErrPermission, Requests: requests}, matrix.Expired)
	}
	small := func(w *world, ctx context.Context) error { return w.write(ctx, smallSize) }
	large := func(w *world, ctx context.Context) error { return w.write(ctx, largeSize) }
	once := gcs.Config{WriteOnce: true}
	settled := matrix.Every(matrix.Cell{Requests: counts{"WriteObject": 1, "GetObject": 1}}, matrix.LostAnswer, matrix.ResetInBody, matrix.Stalled, matrix.Truncated)
	looked := matrix.Every(matrix.Cell{Requests: counts{"WriteObject": 2, "GetObject": 1}}, append([]matrix.Fault{matrix.ErrorIn200}, passing...)...)
	reads := matrix.Cells(
		matrix.Every(matrix.Cell{Requests: counts{"ReadObject": 2}}, passing...),
		matrix.Every(matrix.Cell{Requests: counts{"ReadObject": 2}}, matrix.ResetInBody, matrix.Stalled, matrix.Truncated, matrix.LostAnswer),
		matrix.Every(matrix.Cell{Requests: counts{"ReadObject": 1 + matrix.OutageLength}}, matrix.Outage),
		matrix.Every(matrix.Cell{Want: ltxstore.ErrChecksum, Requests: counts{"ReadObject": 1}}, matrix.WrongBytes),
		matrix.Every(matrix.Cell{Void: "a body of an object has any bytes: see the size and the checksum"}, matrix.ErrorIn200),
		denied(counts{"ReadObject": 1}),
	)
	return map[string]row{
		"write": {matrix.Row{Hit: hit("WriteObject"), At: 20, Cells: matrix.Cells(repeated(counts{"WriteObject": 1}, "WriteObject"),
			denied(counts{"WriteObject": 1}))}, gcs.Config{}, small},
		"write, once": {matrix.Row{Hit: hit("WriteObject"), At: 20, Cells: matrix.Cells(repeated(counts{"WriteObject": 1}, "WriteObject"), looked, settled,
			matrix.Every(matrix.Cell{Requests: counts{"WriteObject": 1 + matrix.OutageLength, "GetObject": matrix.OutageLength}}, matrix.Outage),
			denied(counts{"WriteObject": 1}))}, once, small},
		"begin an upload": {matrix.Row{Hit: hit("StartResumableWrite"), At: 0, Cells: matrix.Cells(repeated(upload, "StartResumableWrite"),
			matrix.Every(matrix.Cell{Void: "the answer has no body"}, cut...),
			denied(counts{"StartResumableWrite": 1}))}, gcs.Config{}, large},
		"send a chunk": {matrix.Row{Hit: hit("WriteChunk"), Skip: 1, At: 0, Cells: matrix.Cells(repeated(upload, "WriteChunk"),
			matrix.Every(matrix.Cell{Void: "the answer has no body"}, cut...),
			denied(ended))}, gcs.Config{}, large},
		"send the last chunk": {matrix.Row{Hit: hit("WriteChunk"), Skip: 2, At: 20, Cells: matrix.Cells(repeated(upload, "WriteChunk"),
			denied(counts{"StartResumableWrite": 1, "WriteChunk": 3, "CancelResumableWrite": 1}))}, gcs.Config{}, large},
		"read": {matrix.Row{Hit: hit("ReadObject"), At: 1000, Cells: matrix.Cells(reads,
			matrix.Every(matrix.Cell{Void: "there is no range"}, matrix.RangeLost))}, gcs.Config{},
			func(w *world, ctx context.Context) error { return w.read(ctx, 0, 0) }},
		"read a range": {matrix.Row{Hit: hit("ReadObject"), At: 1000, Cells: matrix.Cells(reads,
			matrix.Every(matrix.Cell{Void: "a range has no checksum: who reads LTX has the file's own"}, matrix.WrongBytes),
			matrix.Every(matrix.Cell{Want: errors.ErrUnsupported, Requests: counts{"ReadObject": 1}}, matrix.RangeLost))}, gcs.Config{},
			func(w *world, ctx context.Context) error { return w.read(ctx, 5000, 10_000) }},
		"list": {matrix.Row{Hit: hit("ListObjects"), Skip: 1, At: 50, Cells: matrix.Cells(repeated(counts{"ListObjects": 3}, "ListObjects"),
			denied(counts{"ListObjects": 2}))}, gcs.Config{},
			func(w *world, ctx context.Context) error { return w.list(ctx, false) }},
		"read a header": {matrix.Row{Hit: hit("ReadObject"), Skip: listedN - 1, At: 50, Cells: matrix.Cells(repeated(counts{"ListObjects": 3, "ReadObject": listedN}, "ReadObject"),
			matrix.Every(matrix.Cell{Void: "a header has no checksum in a range"}, matrix.WrongBytes),
			matrix.Every(matrix.Cell{Requests: counts{"ListObjects": 3, "ReadObject": listedN}}, matrix.RangeLost),
			matrix.Every(matrix.Cell{Void: "a body of an object has any bytes"}, matrix.ErrorIn200),
			denied(counts{"ListObjects": 3, "ReadObject": listedN}))}, gcs.Config{MetadataConcurrency: 1},
			func(w *world, ctx context.Context) error { return w.list(ctx, true) }},
		"delete": {matrix.Row{Hit: hit("DeleteObject"), Cells: matrix.Cells(repeated(counts{"DeleteObject": 3}, "DeleteObject"),
			matrix.Every(matrix.Cell{Void: "the answer has no body"}, cut...),
			denied(counts{"DeleteObject": 3}))}, gcs.Config{},
			func(w *world, ctx context.Context) error { return w.delete(ctx) }},
		"delete all": {matrix.Row{Hit: hit("ListObjects"), Skip: 1, At: 50, Cells: matrix.Cells(repeated(counts{"ListObjects": 5, "DeleteObject": listedN}, "ListObjects"),
			denied(counts{"ListObjects": 3}))}, gcs.Config{},
			func(w *world, ctx context.Context) error { return w.deleteAll(ctx) }},
	}
}

// TestFaults plays every fault against every operation.
func TestFaults(t *testing.T) {
	var rows []matrix.Row
	for name, row := range faultRows() {
		row.Name = name
		rows = append(rows, row.Row)
		for _, fault := range matrix.Faults() {
			if row.Cells[fault].Void != "" {
				continue
			}
			t.Run(name+"/"+string(fault), func(t *testing.T) {
				f, err := newFake(row.cfg, gcsfake.Options{}, false)
				require.NoError(t, err)
				defer func() { assert.NoError(t, f.close()) }()
				// Package net/http repeats a request by itself whose kept
				// connection was closed under it: here none is kept.
				f.server.Config.SetKeepAlivesEnabled(false)
				w := &world{fake: f, client: f.client(func(cfg *gcs.Config) {
					cfg.IdleTimeout, cfg.ResponseTimeout = 150*time.Millisecond, 150*time.Millisecond
					cfg.Retry = ltxstore.Retry{MaxAttempts: matrix.OutageLength + 2, BaseDelay: time.Microsecond, MaxDelay: time.Microsecond}
				})}
				if fault == matrix.LostAnswer && row.Hit.Operation == "StartResumableWrite" {
					w.orphans = 1 // it cannot be listed, and ends by itself
				}
				assert.NoError(t, matrix.Play(t.Context(), f.layer, googleErrors(), row.Row, fault, func(ctx context.Context) error { return row.do(w, ctx) }))
			})
		}
	}
	assert.Empty(t, matrix.Holes(rows))
}

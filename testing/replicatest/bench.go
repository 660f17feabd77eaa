package replicatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/superfly/ltx"
)

const (
	benchSmall = 1        // pages of 4 KiB in a small file
	benchLarge = 16 << 20 // bytes in a large file
	benchRange = 4096     // bytes in a ranged read
	benchBatch = 100      // files in one deletion
)

// Bench measures a store: writes of one page and of 16 MiB, reads of whole files
// and ranges, listings of two and a half pages (Config.PageSize) and of the end
// of such a level, and deletions of a hundred files. Each is a sub-benchmark of b
// on a store of its own that reports bytes per second and allocations; listings
// and deletions also report ns/file. Only cfg.New and cfg.PageSize are used. With
// WriteOnce, writes repeat bytes that are already stored.
func Bench(b *testing.B, cfg Config) {
	if err := cfg.validate(); err != nil {
		b.Fatal(err)
	}
	cfg = cfg.withDefaults()
	for _, bench := range []struct {
		name string
		run  func(ctx context.Context, b *testing.B, e *env) error
	}{
		{"write/4KiB", benchWriteSmall},
		{"write/16MiB/seekable", func(ctx context.Context, b *testing.B, e *env) error {
			return benchWriteLarge(ctx, b, e, func(body []byte) io.Reader { return bytes.NewReader(body) })
		}},
		{"write/16MiB/plain", func(ctx context.Context, b *testing.B, e *env) error {
			return benchWriteLarge(ctx, b, e, func(body []byte) io.Reader { return struct{ io.Reader }{bytes.NewReader(body)} })
		}},
		{"read/16MiB", benchReadLarge},
		{"read/4KiB-of-16MiB", benchReadRange},
		{"list", func(ctx context.Context, b *testing.B, e *env) error { return benchList(ctx, b, e, false, 0) }},
		{"list/metadata", func(ctx context.Context, b *testing.B, e *env) error { return benchList(ctx, b, e, true, 0) }},
		{"list/late-seek", func(ctx context.Context, b *testing.B, e *env) error { return benchList(ctx, b, e, false, 10) }},
		{"delete", benchDelete},
	} {
		b.Run(bench.name, func(b *testing.B) {
			if err := onStore(b.Context(), cfg, func(ctx context.Context, e *env) error { return bench.run(ctx, b, e) }); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// onStore calls f with a new store, and cleans up.
func onStore(ctx context.Context, cfg Config, f func(ctx context.Context, e *env) error) error {
	store, err := cfg.New(ctx)
	if err != nil {
		return fmt.Errorf("make a store: %w", err)
	}
	if err := cfg.checkStore(&store, nil); err != nil {
		return err
	}
	err = f(ctx, &env{Config: cfg, Store: store, client: store.Client})
	return errors.Join(err, cleanUp(ctx, store, false))
}

func benchWriteSmall(ctx context.Context, b *testing.B, e *env) error {
	bodies := make([][]byte, 64)
	for i := range bodies {
		id := ltx.TXID(i + 2)
		bodies[i] = NewLTXFile(id, id, timeOf(id), benchSmall)
	}
	b.SetBytes(int64(len(bodies[0])))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		i %= len(bodies)
		id := ltx.TXID(i + 2)
		if _, err := e.client.WriteLTXFile(ctx, 0, id, id, bytes.NewReader(bodies[i])); err != nil {
			return err
		}
	}
	return nil
}

// largeFile is the 16 MiB file.
var largeFile = file{0, 2, 2}

func largeBody() []byte {
	return NewLTXFile(largeFile.min, largeFile.max, timeOf(2), benchLarge/pageSize)
}

func benchWriteLarge(ctx context.Context, b *testing.B, e *env, source func([]byte) io.Reader) error {
	f, body := largeFile, largeBody()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.client.WriteLTXFile(ctx, f.level, f.min, f.max, source(body)); err != nil {
			return err
		}
	}
	return nil
}

func benchReadLarge(ctx context.Context, b *testing.B, e *env) error {
	body := largeBody()
	if _, err := e.write(ctx, largeFile, body); err != nil {
		return err
	}
	b.SetBytes(int64(len(body)))
	return benchRead(ctx, b, e, int64(len(body)), func() (int64, int64) { return 0, 0 })
}

func benchReadRange(ctx context.Context, b *testing.B, e *env) error {
	body := largeBody()
	if _, err := e.write(ctx, largeFile, body); err != nil {
		return err
	}
	random := rand.New(newRandom(1))
	b.SetBytes(benchRange)
	return benchRead(ctx, b, e, benchRange, func() (int64, int64) {
		return random.Int64N(int64(len(body)) - benchRange), benchRange
	})
}

func benchRead(ctx context.Context, b *testing.B, e *env, want int64, next func() (offset, size int64)) error {
	f, buf := largeFile, make([]byte, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		offset, size := next()
		rc, err := e.client.OpenLTXFile(ctx, f.level, f.min, f.max, offset, size)
		if err != nil {
			return err
		}
		// WriteTo and ReadFrom are hidden, so that bytes are measured in a caller's
		// buffer.
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{rc}, buf)
		if err = errors.Join(err, rc.Close()); err != nil {
			return err
		}
		if n != want {
			return fmt.Errorf("read %d bytes: want %d", n, want)
		}
	}
	return nil
}

// benchList lists a level, or its last files.
func benchList(ctx context.Context, b *testing.B, e *env, useMetadata bool, last int) error {
	files, err := e.writePages(ctx)
	if err != nil {
		return err
	}
	if last > 0 {
		files = files[max(len(files)-last, 0):]
	}
	b.ReportAllocs()
	for b.Loop() {
		itr, err := e.client.LTXFiles(ctx, 0, files[0].min, useMetadata)
		if err != nil {
			return err
		}
		n := 0
		for itr.Next() {
			_ = itr.Item()
			n++
		}
		if err := itr.Close(); err != nil {
			return err
		}
		if n != len(files) {
			return fmt.Errorf("%d files are listed: want %d", n, len(files))
		}
	}
	perFile(b, len(files))
	return nil
}

func benchDelete(ctx context.Context, b *testing.B, e *env) error {
	files, infos := make([]file, benchBatch), make([]*ltx.FileInfo, benchBatch)
	for i := range files {
		files[i] = file{0, ltx.TXID(i + 2), ltx.TXID(i + 2)}
		infos[i] = files[i].info()
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		if err := e.writeAll(ctx, files...); err != nil {
			return err
		}
		b.StartTimer()
		if err := e.client.DeleteLTXFiles(ctx, infos); err != nil {
			return err
		}
	}
	perFile(b, len(files))
	return nil
}

func perFile(b *testing.B, files int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(files), "ns/file")
}

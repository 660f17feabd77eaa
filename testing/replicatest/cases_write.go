package replicatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

func writeCases() []Case {
	return []Case{
		{ID: "write/exact", Clauses: []string{"W1"},
			Rule: "Sixteen plain bytes are read back unchanged.", run: writeExact},
		{ID: "write/ltx", Clauses: []string{"W1"},
			Rule: "Real LTX files of every level are read back unchanged, and the ltx decoder accepts them.", run: writeLTX},
		{ID: "write/sizes", Clauses: []string{"W1"},
			Rule: "Bodies of every size around the header's and the buffers' limits are read back unchanged.", run: writeSizes},
		{ID: "write/large", Clauses: []string{"W1"},
			Rule: "A large file is read back unchanged.", run: writeLarge},
		{ID: "write/large-memory", Clauses: []string{"W5"}, Needs: []Capability{BoundedMemory},
			Rule: "Memory is bounded by configuration, not by the file's size.", run: writeLargeMemory},
		{ID: "write/invisible-until-done", Clauses: []string{"W2"},
			Rule: "A file can be neither opened nor listed before its last byte has been read.", run: writeInvisible},
		{ID: "write/header-of-another-file", Clauses: []string{"W7"},
			Rule: "An LTX body whose header has other transactions is fs.ErrInvalid and nothing is written.", run: writeWrongHeader},
		{ID: "write/broken-header", Clauses: []string{"W7"},
			Rule: "A body with the LTX magic and no valid header is fs.ErrInvalid and nothing is written.", run: writeBrokenHeader},
		{ID: "write/other-bodies", Clauses: []string{"W7"},
			Rule: "Bodies without the LTX magic are stored unchanged.", run: writeOtherBodies},
		{ID: "write/bad-names", Clauses: []string{"W8"},
			Rule: "A minTXID above maxTXID and an impossible level are fs.ErrInvalid, and nothing is read.", run: writeBadNames},
		{ID: "write/durable", Clauses: []string{"W9"}, Needs: []Capability{Clients},
			Rule: "After this client is closed, another one can read every acknowledged file.", run: writeLasts},
	}
}

func writeExact(ctx context.Context, e *env) error {
	f, body := file{0, 1, 100}, []byte("test ltx content")
	return first(
		func() error { _, err := e.write(ctx, f, body); return err },
		func() error { return e.holds(ctx, f, body) },
		func() error { return e.lists(ctx, 0, 0, f) },
	)
}

func writeLTX(ctx context.Context, e *env) error {
	for _, f := range []file{{0, 1, 1}, {0, 2, 2}, {1, 1, 2}, {2, 3, 0x1f}, {8, 0xabcdef, 0xabcdef0}, {9, 1, 0x1234}} {
		body := e.ltxFile(f.min, f.max, timeOf(f.min), 20)
		if _, err := e.write(ctx, f, body); err != nil {
			return err
		}
		got, err := e.read(ctx, f, 0, 0)
		if err != nil {
			return err
		}
		if err := sameBytes(f.String(), got, body); err != nil {
			return err
		}
		if err := ltx.NewDecoder(bytes.NewReader(got)).Verify(); err != nil {
			return fmt.Errorf("%v: %w", f, err)
		}
	}
	return nil
}

func writeSizes(ctx context.Context, e *env) error {
	sizes := []int{1, 3, 4, 5, ltx.HeaderSize - 1, ltx.HeaderSize, ltx.HeaderSize + 1, 511, 512, 4096, 32<<10 - 1, 32 << 10, 32<<10 + 1, int(min(e.BodySize, 1<<20)) + 7}
	return parallel(len(sizes), func(i int) error {
		f, body := file{0, ltx.TXID(i + 1), ltx.TXID(i + 1)}, plain(uint64(i), sizes[i])
		return first(
			func() error { _, err := e.write(ctx, f, body); return err },
			func() error { return e.holds(ctx, f, body) },
		)
	})
}

func writeLarge(ctx context.Context, e *env) error {
	f := file{0, 1000, 2000}
	if _, err := e.writeFrom(ctx, f, newGenerated(1, e.LargeSize), e.LargeSize); err != nil {
		return err
	}
	return e.holdsGenerated(ctx, f, 1, e.LargeSize, nil)
}

// holdsGenerated checks a file with the content of newGenerated(seed, size).
func (e *env) holdsGenerated(ctx context.Context, f file, seed uint64, size int64, each func()) error {
	rc, err := e.client.OpenLTXFile(ctx, f.level, f.min, f.max, 0, 0)
	if err != nil {
		return err
	}
	want := newGenerated(seed, size)
	want.each = each
	check := &verifier{want: want}
	_, err = io.Copy(check, rc)
	if err = errors.Join(err, rc.Close()); err != nil {
		return fmt.Errorf("read %v: %w", f, err)
	}
	if check.n != size {
		return fmt.Errorf("%v has %d bytes: want %d", f, check.n, size)
	}
	return nil
}

func writeLargeMemory(ctx context.Context, e *env) error {
	if e.LargeSize < 2*e.MemoryLimit {
		return fmt.Errorf("Config.LargeSize is %d: want at least twice Config.MemoryLimit, %d", e.LargeSize, e.MemoryLimit)
	}
	var base, peak uint64
	look := func() {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapAlloc)
	}
	look()
	base = peak
	f, body := file{0, 1, 1}, newGenerated(2, e.LargeSize)
	body.each = look
	if _, err := e.writeFrom(ctx, f, body, e.LargeSize); err != nil {
		return err
	}
	if grown := int64(peak - base); grown > e.MemoryLimit {
		return fmt.Errorf("the heap grew by %d bytes while %d were written: want at most %d", grown, e.LargeSize, e.MemoryLimit)
	}
	if err := e.holdsGenerated(ctx, f, 2, e.LargeSize, look); err != nil {
		return err
	}
	if grown := int64(peak - base); grown > e.MemoryLimit {
		return fmt.Errorf("the heap grew by %d bytes while %d were read: want at most %d", grown, e.LargeSize, e.MemoryLimit)
	}
	return nil
}

func writeInvisible(ctx context.Context, e *env) error {
	f := file{0, 7, 7}
	body := e.failingBody()
	for _, at := range []int{1, ltx.HeaderSize, len(body) / 2, len(body)} {
		var seen error
		src := &source{body: body, at: at, chunk: 64 << 10, hook: func() { seen = e.missing(ctx, f) }}
		if _, err := e.writeFrom(ctx, f, src, int64(len(body))); err != nil {
			return err
		}
		if seen != nil {
			return fmt.Errorf("when %d of %d bytes were read: %w", at, len(body), seen)
		}
		if err := first(
			func() error { return e.holds(ctx, f, body) },
			func() error { return e.client.DeleteLTXFiles(ctx, []*ltx.FileInfo{f.info()}) },
		); err != nil {
			return err
		}
	}
	return nil
}

func writeWrongHeader(ctx context.Context, e *env) error {
	for _, name := range []file{{0, 2, 2}, {0, 1, 3}, {0, 1, 1}, {1, 4, 4}} {
		body := e.ltxFile(2, 3, timeOf(2), 1)
		_, err := e.client.WriteLTXFile(ctx, name.level, name.min, name.max, bytes.NewReader(body))
		if err := is(fmt.Sprintf("a file of 2 to 3 written as %v", name), err, fs.ErrInvalid); err != nil {
			return err
		}
		if err := e.missing(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func writeBrokenHeader(ctx context.Context, e *env) error {
	whole := e.ltxFile(2, 2, timeOf(2), 1)
	noPageSize := bytes.Clone(whole)
	clear(noPageSize[8:12])
	badFlags := bytes.Clone(whole)
	badFlags[4] = 0xff
	for name, body := range map[string][]byte{
		"magic alone": whole[:4], "cut in the header": whole[:ltx.HeaderSize-1], "page size 0": noPageSize, "unknown flags": badFlags,
	} {
		_, err := e.client.WriteLTXFile(ctx, 0, 2, 2, bytes.NewReader(body))
		if err := is("body with "+name, err, fs.ErrInvalid); err != nil {
			return err
		}
	}
	return e.missing(ctx, file{0, 2, 2})
}

func writeOtherBodies(ctx context.Context, e *env) error {
	bodies := []string{"L", "LT", "LTX", "LTX2 is another format", "ltx1", "age-encryption.org/v1\n", "\x28\xb5\x2f\xfd", "P*M\x18\x04\x00\x00\x00", "\x00", "\n", "{}"}
	for i, body := range bodies {
		f := file{i, 5, 6}
		if err := first(
			func() error { _, err := e.write(ctx, f, []byte(body)); return err },
			func() error { return e.holds(ctx, f, []byte(body)) },
		); err != nil {
			return fmt.Errorf("body %q: %w", body, err)
		}
	}
	return nil
}

func writeBadNames(ctx context.Context, e *env) error {
	for _, f := range []file{{0, 2, 1}, {0, math.MaxUint64, 0}, {-1, 1, 1}, {math.MinInt, 1, 1}, {ltxstore.MaxLevel + 1, 1, 1}, {math.MaxInt, 1, 1}} {
		var touched atomic.Bool
		src := &source{body: plain(1, 10), hook: func() { touched.Store(true) }}
		_, err := e.client.WriteLTXFile(ctx, f.level, f.min, f.max, src)
		if err := is(fmt.Sprintf("write %v", f), err, fs.ErrInvalid); err != nil {
			return err
		}
		if touched.Load() {
			return fmt.Errorf("write %v: the reader was read", f)
		}
		_, err = e.client.OpenLTXFile(ctx, f.level, f.min, f.max, 0, 0)
		if err := is(fmt.Sprintf("open %v", f), err, fs.ErrInvalid); err != nil {
			return err
		}
		if err := is(fmt.Sprintf("delete %v", f), e.client.DeleteLTXFiles(ctx, []*ltx.FileInfo{f.info()}), fs.ErrInvalid); err != nil {
			return err
		}
		if f.min > f.max {
			continue
		}
		_, err = e.list(ctx, f.level, 0, false)
		if err := is(fmt.Sprintf("list level %d", f.level), err, fs.ErrInvalid); err != nil {
			return err
		}
	}
	// Transaction 0 does not exist, but tests of clients use it.
	lowest, highest := file{0, 0, 100}, file{ltxstore.MaxLevel, 1, math.MaxUint64}
	return first(
		func() error { return e.writeAll(ctx, lowest, highest) },
		func() error { return e.lists(ctx, 0, 0, lowest) },
		func() error { return e.lists(ctx, ltxstore.MaxLevel, 0, highest) },
	)
}

func writeLasts(ctx context.Context, e *env) error {
	other, done, err := e.reopen(e.Another)
	if err != nil {
		return err
	}
	f := file{0, 1, 1}
	if err := other.writeAll(ctx, f); err != nil {
		return err
	}
	done()
	return first(
		func() error { return e.holds(ctx, f, e.bodyOf(f)) },
		func() error {
			infos, err := e.list(ctx, 0, 0, true)
			if err != nil {
				return err
			}
			if err := sameFiles("listing", infos, []file{f}); err != nil {
				return err
			}
			if got := infos[0].CreatedAt; !got.Equal(timeOf(1).Truncate(time.Millisecond)) {
				return fmt.Errorf("CreatedAt is %v: want %v", got, timeOf(1))
			}
			return nil
		},
	)
}

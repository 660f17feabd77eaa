package replicatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"
	"testing/iotest"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

func openCases() []Case {
	return []Case{
		{ID: "open/partial-read", Clauses: []string{"O1"},
			Rule: "50 bytes from offset 100 of 1,000 are exactly those.", run: openPartial},
		{ID: "open/ranges", Clauses: []string{"O1"},
			Rule: "Any offset in or around a file with any size returns exactly that range; at the end it is empty, without an error.", run: openRanges},
		{ID: "open/largest-sizes", Clauses: []string{"O1"},
			Rule: "A size up to the largest int64, whose sum with the offset overflows, returns the rest of the file.", run: openLargestSizes},
		{ID: "open/negative-ranges", Clauses: []string{"O1"},
			Rule: "A negative offset or size is fs.ErrInvalid.", run: openNegative},
		{ID: "open/reader-behaves", Clauses: []string{"O1"},
			Rule: "The readers of a whole file and of a range pass iotest.TestReader.", run: openTestReader},
		{ID: "open/missing", Clauses: []string{"O2"},
			Rule: "A missing file is fs.ErrNotExist, and the message has the backend, the operation and the key.", run: openMissing},
		{ID: "open/torn-upload", Clauses: []string{"O2", "L4"}, Needs: []Capability{RawAccess},
			Rule: "A zero-byte file is fs.ErrNotExist, because it is not listed.", run: openTornUpload},
		{ID: "open/missing-store", Clauses: []string{"O2"}, Needs: []Capability{MissingStore},
			Rule: "A missing bucket or root directory is ErrStoreNotFound, in every method, and not fs.ErrNotExist.", run: openMissingStore},
		{ID: "open/broken-transfer", Clauses: []string{"O3"}, Needs: []Capability{BrokenTransfers},
			Rule: "A transfer that breaks repeatedly but makes progress still delivers every byte.", run: openBrokenTransfer},
		{ID: "open/no-progress", Clauses: []string{"O3"}, Needs: []Capability{BrokenTransfers},
			Rule: "A transfer that makes no progress ends with an error, and not with a short success.", run: openNoProgress},
		{ID: "open/one-version", Clauses: []string{"O3", "C1"}, Needs: []Capability{Rewriting, AtomicRewriting},
			Rule: "A reader of a file that is replaced while it is read returns one whole version or an error, never a mixture.", run: openOneVersion},
		{ID: "open/deleted-meanwhile", Clauses: []string{"O3", "C1"},
			Rule: "A reader of a file that is deleted while it is read returns all of it or an error, never a short success.", run: openDeletedMeanwhile},
		{ID: "open/cancelled", Clauses: []string{"O4", "C2"},
			Rule: "When the context ends, further reads fail with its error.", run: openCancelled},
		{ID: "open/cancelled-while-blocked", Clauses: []string{"O4", "C2"}, Needs: []Capability{StalledTransfers},
			Rule: "When the context ends while a read waits for the store, the read fails with its error.", run: openCancelledBlocked},
		{ID: "open/close-at-any-time", Clauses: []string{"O5"},
			Rule: "A reader can be closed before, during and after reading, and twice; a closed one reads nothing.", run: openClose},
	}
}

func openPartial(ctx context.Context, e *env) error {
	body := bytes.Repeat([]byte("x"), 1000)
	copy(body[100:150], plain(1, 50))
	f := file{0, 1, 100}
	if _, err := e.write(ctx, f, body); err != nil {
		return err
	}
	got, err := e.read(ctx, f, 100, 50)
	if err != nil {
		return err
	}
	return sameBytes("bytes 100 to 149", got, body[100:150])
}

func openRanges(ctx context.Context, e *env) error {
	for i, body := range [][]byte{e.ltxFile(1, 1, timeOf(1), 10), plain(1, 1), plain(2, 70_000)} {
		f, n := file{i, 1, 1}, int64(len(body))
		if _, err := e.write(ctx, f, body); err != nil {
			return err
		}
		offsets := []int64{0, 1, n / 2, n - 1, n, n + 1, n * 2, math.MaxInt64}
		sizes := []int64{0, 1, 2, n / 2, n - 1, n, n + 1, math.MaxInt64}
		err := parallel(len(offsets)*len(sizes), func(i int) error {
			offset, size := offsets[i%len(offsets)], sizes[i/len(offsets)]
			got, err := e.read(ctx, f, offset, size)
			if err != nil {
				return fmt.Errorf("%d bytes from %d of %d: %w", size, offset, n, err)
			}
			want := body[min(offset, n):]
			if size > 0 {
				want = want[:min(size, int64(len(want)))]
			}
			return sameBytes(fmt.Sprintf("%d bytes from %d of %d", size, offset, n), got, want)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func openLargestSizes(ctx context.Context, e *env) error {
	body := e.ltxFile(1, 1, timeOf(1), 3)
	f, n := file{0, 1, 1}, int64(len(body))
	if _, err := e.write(ctx, f, body); err != nil {
		return err
	}
	for _, offset := range []int64{0, 1, n / 2, n - 1} {
		for _, size := range []int64{math.MaxInt64, math.MaxInt64 - offset/2, math.MaxInt64 - offset} {
			got, err := e.read(ctx, f, offset, size)
			if err != nil {
				return fmt.Errorf("%d bytes from %d of %d: %w", size, offset, n, err)
			}
			if err := sameBytes(fmt.Sprintf("%d bytes from %d of %d", size, offset, n), got, body[offset:]); err != nil {
				return err
			}
		}
	}
	return nil
}

func openNegative(ctx context.Context, e *env) error {
	f := file{0, 1, 1}
	if err := e.writeAll(ctx, f); err != nil {
		return err
	}
	for _, r := range [][2]int64{{-1, 0}, {-1, 10}, {0, -1}, {10, -1}, {math.MinInt64, math.MinInt64}} {
		_, err := e.read(ctx, f, r[0], r[1])
		if err := is(fmt.Sprintf("%d bytes from %d", r[1], r[0]), err, fs.ErrInvalid); err != nil {
			return err
		}
	}
	return nil
}

func openTestReader(ctx context.Context, e *env) error {
	body := e.ltxFile(1, 2, timeOf(1), 3)
	f, n := file{1, 1, 2}, int64(len(body))
	if _, err := e.write(ctx, f, body); err != nil {
		return err
	}
	for _, r := range [][2]int64{{0, 0}, {0, n}, {100, 5000}, {n - 10, 0}, {n, 0}} {
		rc, err := e.client.OpenLTXFile(ctx, f.level, f.min, f.max, r[0], r[1])
		if err != nil {
			return err
		}
		want := body[r[0]:]
		if r[1] > 0 {
			want = want[:min(r[1], int64(len(want)))]
		}
		if err := errors.Join(iotest.TestReader(rc, want), rc.Close()); err != nil {
			return fmt.Errorf("%d bytes from %d: %w", r[1], r[0], err)
		}
	}
	return nil
}

func openMissing(ctx context.Context, e *env) error {
	absent := []file{{0, 999, 999}, {5, 1, 1}, {9, 1, 5}}
	check := func() error {
		for _, f := range absent {
			for _, r := range [][2]int64{{0, 0}, {100, 50}} {
				_, err := e.read(ctx, f, r[0], r[1])
				if err := is(fmt.Sprintf("open of missing %v", f), err, fs.ErrNotExist); err != nil {
					return err
				}
				if errors.Is(err, ltxstore.ErrStoreNotFound) {
					return fmt.Errorf("missing file %v is reported as a missing store: %w", f, err)
				}
				for _, part := range []string{e.client.Type(), "open", ltx.FormatFilename(f.min, f.max)} {
					if !strings.Contains(err.Error(), part) {
						return fmt.Errorf("message %q does not have %q", err, part)
					}
				}
			}
		}
		return nil
	}
	return first(
		check, // in a store without any file
		func() error { return e.writeAll(ctx, file{0, 998, 998}, file{0, 999, 1000}, file{1, 999, 999}) },
		check,
	)
}

func openTornUpload(ctx context.Context, e *env) error {
	f := file{0, 2, 2}
	if err := e.writeAll(ctx, file{0, 1, 1}); err != nil {
		return err
	}
	if err := e.Raw.Put(ctx, e.Raw.Keys.File(f.level, f.min, f.max), nil); err != nil {
		return fmt.Errorf("put a torn upload: %w", err)
	}
	_, err := e.read(ctx, f, 0, 0)
	return is("open of a zero-byte file", err, fs.ErrNotExist)
}

func openMissingStore(ctx context.Context, e *env) error {
	missing, done, err := e.reopen(e.Missing)
	if err != nil {
		return err
	}
	defer done()
	f := file{0, 1, 1}
	_, readErr := missing.read(ctx, f, 0, 0)
	_, listErr := missing.list(ctx, 0, 0, false)
	_, writeErr := missing.client.WriteLTXFile(ctx, 0, 1, 1, bytes.NewReader(e.bodyOf(f)))
	for what, err := range map[string]error{
		"open": readErr, "list": listErr, "write": writeErr,
		"delete": missing.client.DeleteLTXFiles(ctx, []*ltx.FileInfo{f.info()}),
	} {
		if err := is(what+" in a missing store", err, ltxstore.ErrStoreNotFound); err != nil {
			return err
		}
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s in a missing store is reported as a missing file: %w", what, err)
		}
	}
	return nil
}

func openBrokenTransfer(ctx context.Context, e *env) error {
	f := file{0, 1, 1}
	body := e.ltxFile(f.min, f.max, timeOf(4), 60)
	if _, err := e.write(ctx, f, body); err != nil {
		return err
	}
	e.Faults.Cut(8_000) // thirty times
	got, err := e.read(ctx, f, 0, 0)
	if err != nil {
		return err
	}
	if err := sameBytes("a file in pieces", got, body); err != nil {
		return err
	}
	if got, err = e.read(ctx, f, 40_000, 120_000); err != nil {
		return err
	}
	return sameBytes("a range in pieces", got, body[40_000:160_000])
}

func openNoProgress(ctx context.Context, e *env) error {
	f := file{0, 1, 1}
	body := e.ltxFile(f.min, f.max, timeOf(4), 25)
	if _, err := e.write(ctx, f, body); err != nil {
		return err
	}
	e.Faults.Cut(0)
	got, err := e.read(ctx, f, 0, 0)
	if err == nil {
		return fmt.Errorf("a transfer without progress returns %d of %d bytes and no error", len(got), len(body))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("a broken transfer is reported as a missing file: %w", err)
	}
	return nil
}

// openHalf opens a file and reads half of it.
func (e *env) openHalf(ctx context.Context, f file, size int) (io.ReadCloser, []byte, error) {
	rc, err := e.client.OpenLTXFile(ctx, f.level, f.min, f.max, 0, 0)
	if err != nil {
		return nil, nil, err
	}
	half := make([]byte, size/2)
	if _, err := io.ReadFull(rc, half); err != nil {
		_ = rc.Close()
		return nil, nil, err
	}
	return rc, half, nil
}

func openOneVersion(ctx context.Context, e *env) error {
	f := file{0, 6, 6}
	older, newer := e.ltxBody(f, timeOf(1), 4), e.ltxBody(f, timeOf(2), 3)
	if _, err := e.write(ctx, f, older); err != nil {
		return err
	}
	rc, got, err := e.openHalf(ctx, f, len(older))
	if err != nil {
		return err
	}
	defer rc.Close()
	if _, err := e.write(ctx, f, newer); err != nil {
		return err
	}
	rest, err := io.ReadAll(rc)
	if err != nil {
		return nil
	}
	return sameBytes("a file that was replaced while it was read", append(got, rest...), older)
}

func openDeletedMeanwhile(ctx context.Context, e *env) error {
	f := file{0, 6, 6}
	body := e.ltxBody(f, timeOf(1), 4)
	if _, err := e.write(ctx, f, body); err != nil {
		return err
	}
	rc, got, err := e.openHalf(ctx, f, len(body))
	if err != nil {
		return err
	}
	defer rc.Close()
	if err := e.client.DeleteLTXFiles(ctx, []*ltx.FileInfo{f.info()}); err != nil {
		return err
	}
	rest, err := io.ReadAll(rc)
	if err != nil {
		return nil
	}
	return sameBytes("a file that was deleted while it was read", append(got, rest...), body)
}

func openCancelled(ctx context.Context, e *env) error {
	f := file{0, 6, 6}
	body := e.ltxBody(f, timeOf(6), 1)
	if _, err := e.write(ctx, f, body); err != nil {
		return err
	}
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	rc, got, err := e.on(e.client).openHalf(cancelled, f, 1000)
	if err != nil {
		return err
	}
	defer rc.Close()
	cancel()
	var n int64
	err = e.promptly("read", func() error {
		var err error
		n, err = io.Copy(io.Discard, rc)
		return err
	})
	if err == nil {
		return fmt.Errorf("a cancelled reader returned %d of %d more bytes and ended without an error", n, len(body)-len(got))
	}
	return is("read", err, context.Canceled)
}

func openCancelledBlocked(ctx context.Context, e *env) error {
	f := file{0, 6, 6}
	if _, err := e.write(ctx, f, e.ltxBody(f, timeOf(6), 1)); err != nil {
		return err
	}
	e.Faults.Stall(1000)
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	rc, _, err := e.openHalf(cancelled, f, 1000)
	if err != nil {
		return err
	}
	defer rc.Close()
	err = e.promptly("read", func() error {
		time.AfterFunc(10*time.Millisecond, cancel) // most likely while the read waits
		_, err := io.Copy(io.Discard, rc)
		return err
	})
	return is("read of a stalled transfer", err, context.Canceled)
}

func openClose(ctx context.Context, e *env) error {
	f := file{0, 6, 6}
	body := e.ltxBody(f, timeOf(6), 4)
	if _, err := e.write(ctx, f, body); err != nil {
		return err
	}
	for _, n := range []int64{0, 1, 1000, int64(len(body)) / 2, int64(len(body))} {
		rc, err := e.client.OpenLTXFile(ctx, f.level, f.min, f.max, 0, 0)
		if err != nil {
			return err
		}
		_, err = io.CopyN(io.Discard, rc, n)
		if err = errors.Join(err, rc.Close(), rc.Close()); err != nil {
			return fmt.Errorf("closed after %d bytes: %w", n, err)
		}
		if n, err := rc.Read(make([]byte, 10)); n > 0 || err == nil {
			return fmt.Errorf("a closed reader read %d bytes, error %v", n, err)
		}
	}
	return nil
}

package replicatest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/superfly/ltx"
)

func timeCases() []Case {
	return []Case{
		{ID: "time/of-header", Clauses: []string{"T1"},
			Rule: "CreatedAt of an LTX body is its header's timestamp, to the millisecond, UTC.", run: timeOfHeader},
		{ID: "time/never-zero", Clauses: []string{"T1"},
			Rule: "Without useMetadata CreatedAt is the header's or the store's time, never zero.", run: timeNeverZero},
		{ID: "time/of-plain-body", Clauses: []string{"T2"},
			Rule: "CreatedAt of a body without an LTX header is the store's time.", run: timeOfPlain},
		{ID: "time/stripped", Clauses: []string{"T3"}, Needs: []Capability{Stripping},
			Rule: "With useMetadata, missing metadata is replaced by reading the header.", run: timeStripped},
		{ID: "time/copied-by-another-tool", Clauses: []string{"T3"}, Needs: []Capability{RawAccess},
			Rule: "With useMetadata, a file stored by another program has its header's time.", run: timeCopied},
		{ID: "time/failed-lookup", Clauses: []string{"T3"}, Needs: []Capability{FailingLookups, Stripping},
			Rule: "If the lookup of a time fails, the listing fails and does not have another time.", run: timeFailedLookup},
	}
}

// moments are odd timestamps: before most stores existed, at the epoch, with
// and without milliseconds.
var moments = [...]time.Time{
	time.UnixMilli(0).UTC(),
	time.UnixMilli(1).UTC(),
	time.Date(2001, 9, 9, 1, 46, 40, 0, time.UTC),
	time.Date(2024, 2, 29, 23, 59, 59, 999_000_000, time.UTC),
	time.Date(2035, 1, 2, 3, 4, 5, 60_000_000, time.UTC),
}

func timeOfHeader(ctx context.Context, e *env) error {
	want := make([]file, len(moments))
	for i, at := range moments {
		id := ltx.TXID(i + 1)
		want[i] = file{2, id, id}
		info, err := e.write(ctx, want[i], e.ltxFile(id, id, at, 2))
		if err != nil {
			return err
		}
		if err := sameTime("write", info, at); err != nil {
			return err
		}
	}
	infos, err := e.list(ctx, 2, 0, true)
	if err != nil {
		return err
	}
	if err := sameFiles("listing", infos, want); err != nil {
		return err
	}
	for i, info := range infos {
		if err := sameTime("listing", info, moments[i]); err != nil {
			return err
		}
	}
	return nil
}

func sameTime(what string, info *ltx.FileInfo, want time.Time) error {
	if !info.CreatedAt.Equal(want) {
		return fmt.Errorf("%s: CreatedAt of %v is %v: want %v", what, fileOf(info), info.CreatedAt, want)
	}
	if info.CreatedAt.Location() != time.UTC {
		return fmt.Errorf("%s: CreatedAt of %v is in %v: want UTC", what, fileOf(info), info.CreatedAt.Location())
	}
	return nil
}

func timeNeverZero(ctx context.Context, e *env) error {
	files := []file{{0, 1, 1}, {0, 2, 2}}
	start := time.Now()
	if err := e.writeAll(ctx, files...); err != nil {
		return err
	}
	infos, err := e.list(ctx, 0, 0, false) // which rejects zero
	if err != nil {
		return err
	}
	if err := sameFiles("listing", infos, files); err != nil {
		return err
	}
	for _, info := range infos {
		header := timeOf(info.MinTXID)
		coarse := slices.Contains(e.Lacks, PreciseTimes) && info.CreatedAt.Equal(header.Truncate(time.Second))
		if !info.CreatedAt.Equal(header) && !coarse && !isNow(info.CreatedAt, start) {
			return fmt.Errorf("CreatedAt of %v is %v: want the header's, %v, or the store's time", fileOf(info), info.CreatedAt, header)
		}
	}
	return nil
}

// isNow allows the store's clock to be wrong by up to a day.
func isNow(t, start time.Time) bool {
	const skew = 24 * time.Hour
	return t.After(start.Add(-skew)) && t.Before(time.Now().Add(skew))
}

func timeOfPlain(ctx context.Context, e *env) error {
	f := file{0, 4, 4}
	start := time.Now()
	info, err := e.write(ctx, f, plain(1, 400))
	if err != nil {
		return err
	}
	if !isNow(info.CreatedAt, start) {
		return fmt.Errorf("write: CreatedAt is %v: want the store's time", info.CreatedAt)
	}
	for _, useMetadata := range []bool{false, true} {
		infos, err := e.list(ctx, 0, 0, useMetadata)
		if err != nil {
			return err
		}
		if err := sameFiles("listing", infos, []file{f}); err != nil {
			return err
		}
		if !isNow(infos[0].CreatedAt, start) {
			return fmt.Errorf("listing with useMetadata %t: CreatedAt is %v: want the store's time", useMetadata, infos[0].CreatedAt)
		}
	}
	return nil
}

func timeStripped(ctx context.Context, e *env) error {
	files := []file{{0, 1, 1}, {0, 2, 2}, {0, 3, 3}}
	if err := e.writeAll(ctx, files...); err != nil {
		return err
	}
	if err := e.Raw.Strip(ctx, e.Raw.Keys.File(0, 2, 2)); err != nil {
		return fmt.Errorf("strip: %w", err)
	}
	infos, err := e.list(ctx, 0, 0, true)
	if err != nil {
		return err
	}
	if err := sameFiles("listing", infos, files); err != nil {
		return err
	}
	for _, info := range infos {
		if err := sameTime("listing", info, timeOf(info.MinTXID)); err != nil {
			return err
		}
	}
	return nil
}

func timeCopied(ctx context.Context, e *env) error {
	at := timeOf(77)
	body := e.ltxFile(5, 6, at, 3)
	if err := e.Raw.Put(ctx, e.Raw.Keys.File(1, 5, 6), body); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	infos, err := e.list(ctx, 1, 0, true)
	if err != nil {
		return err
	}
	return first(
		func() error { return sameFiles("listing", infos, []file{{1, 5, 6}}) },
		func() error { return sameTime("listing", infos[0], at) },
		func() error { return e.holds(ctx, file{1, 5, 6}, body) },
	)
}

func timeFailedLookup(ctx context.Context, e *env) error {
	if err := e.writeAll(ctx, file{0, 1, 1}, file{0, 2, 2}); err != nil {
		return err
	}
	if err := e.Raw.Strip(ctx, e.Raw.Keys.File(0, 2, 2)); err != nil {
		return fmt.Errorf("strip: %w", err)
	}
	e.Faults.Lookups()
	infos, err := e.list(ctx, 0, 0, true)
	if err == nil {
		return fmt.Errorf("a listing with useMetadata whose lookups fail has %d files and no error", len(infos))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("a failed lookup is reported as a missing file: %w", err)
	}
	return nil
}

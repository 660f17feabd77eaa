package restore

import (
	"fmt"
	"io"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// database is a database that is being restored. Files are applied from the newest
// to the oldest, so that each page is written once, in its first version that is
// read, whatever the number of files.
type database struct {
	dec     *ltxio.Decoder
	disk    *pageWriter // nil for a dry run
	written pageSet
	before  time.Time // the target of a plan with files that are assumed to be older

	last    ltx.Header   // of the newest file, once started
	wanted  ltx.Checksum // the database's checksum in that file, or 0
	sum     ltx.Checksum // of the pages written so far
	newer   ltx.Header   // of the file applied last
	applied []applied    // the newest first
}

// applied is a file, and how many pages the database has after it.
type applied struct {
	info   *ltx.FileInfo
	commit uint32
}

// newDatabase returns the database of a plan. Nothing is written yet.
func newDatabase(plan *Plan) *database {
	d := &database{dec: ltxio.NewDecoder()}
	if plan.believed {
		d.before = plan.Target.Before
	}
	return d
}

// apply decodes a file, verifies it and writes its pages. The error of a damaged file
// is ltxstore.ErrChecksum; others are from r or the disk.
func (d *database) apply(info *ltx.FileInfo, r io.Reader) error {
	hdr, trailer, err := decode(d.dec, info, r,
		func(hdr ltx.Header) error { return d.begin(info, hdr) }, d.pages)
	if err != nil {
		return err
	}
	return d.end(info, hdr, trailer)
}

// pages writes pages, except those of which a newer version was written, and those
// after the database's end.
func (d *database) pages(pages []ltxio.Page) error {
	wanted := func(p ltxio.Page) bool {
		if p.Number > d.last.Commit || !d.written.add(p.Number) {
			return false
		}
		if p.Number != d.last.LockPgno() {
			d.sum = ltx.ChecksumFlag | (d.sum ^ p.Checksum)
		}
		return true
	}
	for i := 0; i < len(pages); {
		if !wanted(pages[i]) {
			i++
			continue
		}
		// Adjacent pages are adjacent in memory, too.
		first := pages[i]
		n := 1
		for i++; i < len(pages) && pages[i].Number == first.Number+uint32(n) && wanted(pages[i]); i++ {
			n++
		}
		if d.disk == nil {
			continue
		}
		size := len(first.Data)
		if err := d.disk.write(int64(first.Number-1)*int64(size), first.Data[:n*size]); err != nil {
			return err
		}
	}
	return nil
}

// begin checks a header against the newer file.
func (d *database) begin(info *ltx.FileInfo, hdr ltx.Header) error {
	switch {
	case !d.before.IsZero() && info.Level != ltxstore.SnapshotLevel && !time.UnixMilli(hdr.Timestamp).Before(d.before):
		return &lateError{fmt.Errorf("header has the time %s: want a time before %s", time.UnixMilli(hdr.Timestamp).UTC(), d.before.UTC())}
	case d.last.PageSize == 0:
		d.last, d.sum = hdr, ltx.ChecksumFlag
	case hdr.PageSize != d.last.PageSize:
		return d.conflict(info, fmt.Errorf("pages have %d bytes, but %d in newer files: %w", hdr.PageSize, d.last.PageSize, ltxstore.ErrChecksum))
	}
	return nil
}

// end checks a trailer against the newer file: if that starts with the next
// transaction, the checksums of the database between the two must be equal.
func (d *database) end(info *ltx.FileInfo, hdr ltx.Header, trailer ltx.Trailer) error {
	newer := d.newer
	switch {
	case newer.MaxTXID == 0:
		d.wanted = trailer.PostApplyChecksum
	case newer.MinTXID == hdr.MaxTXID+1 && !newer.NoChecksum() && !hdr.NoChecksum() && newer.PreApplyChecksum != trailer.PostApplyChecksum:
		return d.conflict(info, fmt.Errorf("the database after it has checksum %s, but the next file, %s, applies to %s: they have different histories: %w",
			trailer.PostApplyChecksum, ltx.FormatFilename(newer.MinTXID, newer.MaxTXID), newer.PreApplyChecksum, ltxstore.ErrChecksum))
	}
	d.newer = hdr
	d.applied = append(d.applied, applied{info, hdr.Commit})
	return nil
}

func (d *database) conflict(older *ltx.FileInfo, err error) error {
	return &conflictError{err, older, d.applied[len(d.applied)-1].info}
}

func (d *database) tracked() bool { return !d.last.NoChecksum() }

// finish checks the whole database.
func (d *database) finish() error {
	commit, lock := d.last.Commit, d.last.LockPgno()
	if missing := d.written.firstMissing(commit, lock); missing != 0 {
		return d.lacking(missing)
	}
	if d.tracked() && d.sum != d.wanted {
		return &wholeError{fmt.Errorf("the database has checksum %s: want %s: %w", d.sum, d.wanted, ltxstore.ErrChecksum)}
	}
	if d.disk == nil {
		return nil
	}
	// The lock page, which is in no file, is a hole of zeros; it may be the last page.
	return d.disk.f.Truncate(int64(commit) * int64(d.last.PageSize))
}

// lacking returns the error of a page that is in no file. The file in which the
// database grows beyond the page should contain it.
func (d *database) lacking(pgno uint32) error {
	err := fmt.Errorf("no file contains page %d of %d: %w", pgno, d.last.Commit, ltxstore.ErrChecksum)
	var grows *ltx.FileInfo
	for _, f := range d.applied {
		if f.commit < pgno {
			break
		}
		grows = f.info
	}
	if grows == nil {
		return err
	}
	err = fmt.Errorf("%s: %w", ltxio.Name(grows.Level, grows.MinTXID, grows.MaxTXID), err)
	return &damagedError{err, []damagedFile{{grows, err}}}
}

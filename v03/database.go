package v03

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/superfly/ltx"
)

// database is a database file that is being restored. Transactions are applied as by a
// checkpoint of SQLite after the whole WAL file: the database is truncated or extended only
// at the end of the WAL file, so that it equals that of v0.3 byte for byte.
type database struct {
	f        *os.File
	pageSize uint32
	pages    uint32 // after the last transaction, or of the snapshot
	commits  int    // transactions applied
	end      int64  // of the last transaction, in bytes of its WAL file

	// before, if not nil, is called for each page of a transaction before it is
	// written, and after when all are written, with the previous number of pages. Both
	// read the file through db.
	before func(pgno uint32, page []byte) error
	after  func(pages uint32) error

	pending   spool
	committed bool // a transaction of the WAL file was applied
}

const sqliteMagic = "SQLite format 3\x00"

// sqliteHeader is the size of the header of a database.
const sqliteHeader = 100

// snapshot writes a snapshot's database to the file.
func (d *database) snapshot(r io.Reader) error {
	size, err := io.Copy(d.f, r)
	if err != nil {
		return err
	}
	d.pages, d.pageSize = 0, 0
	if size == 0 {
		return nil // a database without pages
	}
	var header [sqliteHeader]byte
	if _, err := d.f.ReadAt(header[:], 0); err != nil && err != io.EOF {
		return err
	}
	if d.pageSize, err = checkDatabase(header[:], size); err != nil {
		return err
	}
	d.pages = uint32(size / int64(d.pageSize))
	return nil
}

// checkDatabase returns the page size of a database with that header and size.
func checkDatabase(header []byte, size int64) (uint32, error) {
	pageSize := pageSizeOf(header)
	switch {
	case size < sqliteHeader || string(header[:len(sqliteMagic)]) != sqliteMagic:
		return 0, faultf("snapshot is not a SQLite database")
	case !ltx.IsValidPageSize(pageSize):
		return 0, faultf("snapshot has a page size of %d bytes: want a power of two from 512 to 65536", pageSize)
	case size%int64(pageSize) != 0:
		return 0, faultf("snapshot has %d bytes: want a multiple of its page size, %d", size, pageSize)
	}
	return pageSize, nil
}

// pageSizeOf returns the page size in a database's header.
func pageSizeOf(header []byte) uint32 {
	size := uint32(binary.BigEndian.Uint16(header[16:]))
	if size == 1 {
		size = 65536
	}
	return size
}

// wal applies the complete transactions of a WAL file, and returns the number of frames
// after the last of them. Damage is a fault; the transactions before it are applied.
func (d *database) wal(r io.Reader) (uncommitted int64, err error) {
	d.committed = false
	defer d.pending.reset()
	uncommitted, err = d.frames(r)
	if err == nil || isFault(err) {
		err = errors.Join(err, d.checkpoint())
	}
	return uncommitted, err
}

func (d *database) frames(r io.Reader) (uncommitted int64, err error) {
	w, err := newWALReader(r)
	if err != nil {
		return 0, err
	}
	was := d.pageSize
	for {
		f, err := w.next()
		if err == io.EOF {
			return uncommitted, nil
		}
		if err != nil {
			return uncommitted, err
		}
		if uncommitted++; f.commit == 0 {
			if err := d.pending.add(f); err != nil {
				return uncommitted, err
			}
			continue
		}
		if w.pageSize != was && !d.committed && !d.pending.startsWith(w.pageSize, f) {
			return uncommitted, faultf("WAL has a page size of %d bytes, but the database of %d", w.pageSize, was)
		}
		d.pageSize, d.end = w.pageSize, walHeaderSize+w.frames*int64(len(w.buf))
		if err := d.commit(f); err != nil {
			return uncommitted, err
		}
		uncommitted = 0
	}
}

// commit applies the pending frames and the last one.
func (d *database) commit(last frame) error {
	pages := d.pages
	if err := d.pending.each(int(d.pageSize), d.write); err != nil {
		return err
	}
	if err := d.write(last.pgno, last.page); err != nil {
		return err
	}
	d.pages, d.committed = last.commit, true
	d.commits++
	if d.after == nil {
		return nil
	}
	return d.after(pages)
}

func (d *database) write(pgno uint32, page []byte) error {
	if d.before != nil {
		if err := d.before(pgno, page); err != nil {
			return err
		}
	}
	_, err := d.f.WriteAt(page, d.at(pgno))
	return err
}

func (d *database) at(pgno uint32) int64 { return int64(pgno-1) * int64(d.pageSize) }

// read reads a page, which is zeros beyond the end of the file.
func (d *database) read(pgno uint32, page []byte) error {
	n, err := d.f.ReadAt(page, d.at(pgno))
	clear(page[n:])
	if err == io.EOF {
		return nil
	}
	return err
}

// checkpoint sets the file's size to that of the last transaction.
func (d *database) checkpoint() error {
	if !d.committed {
		return nil
	}
	return d.f.Truncate(int64(d.pages) * int64(d.pageSize))
}

// spool holds the frames of a transaction until it is complete: a few in memory, more in a
// file.
type spool struct {
	name string // of the file
	buf  []byte
	file *os.File
	told uint32 // the page size in a frame of page 1
}

const (
	spoolSize  = 1 << 20
	pgnoLength = 4
)

// add adds a frame.
func (s *spool) add(f frame) error {
	if f.pgno == 1 {
		s.told = pageSizeOf(f.page)
	}
	s.buf = binary.BigEndian.AppendUint32(s.buf, f.pgno)
	s.buf = append(s.buf, f.page...)
	if len(s.buf) < spoolSize {
		return nil
	}
	return s.spill()
}

func (s *spool) spill() (err error) {
	if s.file == nil {
		if s.file, err = os.OpenFile(s.name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return fmt.Errorf("file for a transaction: %w", err)
		}
	}
	if _, err = s.file.Write(s.buf); err != nil {
		return fmt.Errorf("file for a transaction: %w", err)
	}
	s.buf = s.buf[:0]
	return nil
}

// each calls f with all frames in order, and drops them.
func (s *spool) each(pageSize int, f func(pgno uint32, page []byte) error) error {
	record := make([]byte, pgnoLength+pageSize)
	var from io.Reader = bytes.NewReader(s.buf)
	if s.file != nil {
		if _, err := s.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		from = io.MultiReader(bufio.NewReaderSize(s.file, spoolSize), from)
	}
	for {
		switch _, err := io.ReadFull(from, record); {
		case err == io.EOF:
			return s.empty()
		case err != nil:
			return fmt.Errorf("file for a transaction: %w", err)
		}
		if err := f(binary.BigEndian.Uint32(record), record[pgnoLength:]); err != nil {
			return err
		}
	}
}

// startsWith reports whether the transaction, including its last frame, contains page 1 with
// this page size.
func (s *spool) startsWith(pageSize uint32, last frame) bool {
	tells := last.pgno == 1 && pageSizeOf(last.page) == pageSize
	return tells || s.told == pageSize
}

func (s *spool) empty() error {
	s.buf, s.told = s.buf[:0], 0
	if s.file == nil {
		return nil
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return s.file.Truncate(0)
}

// reset drops all frames, and removes the file.
func (s *spool) reset() {
	s.buf, s.told = s.buf[:0], 0
	if s.file != nil {
		s.file.Close()
		_ = os.Remove(s.name) // next to a temporary, with which it is removed
		s.file = nil
	}
}

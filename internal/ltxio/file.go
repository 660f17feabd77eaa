package ltxio

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/superfly/ltx"
)

// file is a file that is being decoded.
type file struct {
	r       transfer
	header  ltx.Header
	trailer ltx.Trailer

	power uint64       // powerCRC of a page
	crc   uint64       // of the file, up to the last page taken
	sum   ltx.Checksum // of the database, if the file is a snapshot
	pages int          // taken so far
	order uint64       // CRC of the page numbers
}

func (f *file) decode(d *Decoder, header func(ltx.Header) error, pages func([]Page) error) error {
	if err := f.readHeader(); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if header != nil {
		if err := header(f.header); err != nil {
			return &foreignError{err}
		}
	}
	if err := f.readPages(d, pages); err != nil {
		return err
	}
	tail := bufio.NewReaderSize(&f.r, 1<<10)
	if err := f.readIndex(tail); err != nil {
		return fmt.Errorf("read page index: %w", err)
	}
	return f.readTrailer(tail)
}

func (f *file) readHeader() error {
	var buf [ltx.HeaderSize]byte
	if _, err := io.ReadFull(&f.r, buf[:]); err != nil {
		return err
	}
	if err := f.header.UnmarshalBinary(buf[:]); err != nil {
		return err
	}
	f.crc = updateCRC(0, buf[:])
	f.power = powerCRC(f.header.PageSize)
	if f.tracked() {
		f.sum = ltx.ChecksumFlag
	}
	return f.header.Validate()
}

func (f *file) tracked() bool { return !f.header.NoChecksum() }

// readPages reads batches of frames, starts decoding them, and passes them on in order. Damage is
// reported for the first damaged page.
func (f *file) readPages(d *Decoder, pages func([]Page) error) error {
	var unpacking []*batch // by other goroutines, in order
	defer func() {
		for _, b := range unpacking {
			<-b.done
			d.put(b)
		}
	}()
	next := func() error {
		b := unpacking[0]
		<-b.done
		unpacking = slices.Delete(unpacking, 0, 1)
		defer d.put(b)
		return f.take(b, pages)
	}
	for {
		b := d.get()
		failed := b.read(&f.r, f.header.PageSize, d.size)
		last := b.ended || failed != nil
		if d.ahead < 2 || last && len(unpacking) == 0 {
			b.unpack(int(f.header.PageSize))
		} else {
			go b.unpack(int(f.header.PageSize))
		}
		unpacking = append(unpacking, b)
		for len(unpacking) > 0 && (last || len(unpacking) >= d.ahead) {
			if err := next(); err != nil {
				return err
			}
		}
		if last {
			return failed
		}
	}
}

// take adds the pages of a batch to the checksums, and passes them on.
func (f *file) take(b *batch, pages func([]Page) error) error {
	for i := range b.pages {
		p, frame := &b.pages[i], &b.frames[i]
		f.crc = updateCRC(f.crc, frame.head[:frame.headSize()])
		f.crc = joinCRC(f.crc, frame.crc, f.power)
		f.order = hashNumber(f.order, p.Number)
		if f.tracked() && p.Number != f.header.LockPgno() {
			f.sum = ltx.ChecksumFlag | (f.sum ^ p.Checksum)
		}
	}
	f.pages += len(b.pages)
	if pages != nil && len(b.pages) > 0 {
		if err := pages(b.pages); err != nil {
			return &foreignError{err}
		}
	}
	if b.err == nil && b.ended {
		var end [ltx.PageHeaderSize]byte
		f.crc = updateCRC(f.crc, end[:])
	}
	return b.err
}

func hashNumber(crc uint64, n uint32) uint64 {
	var buf [4]byte
	binary.BigEndian.PutUint32(buf[:], n)
	return updateCRC(crc, buf[:])
}

// readIndex reads the page index. It must name the pages that were decoded, in
// ascending order, with frames that do not overlap.
func (f *file) readIndex(r *bufio.Reader) error {
	var size uint64
	var entry []byte // of the index
	number := func() (n uint64, err error) {
		from := len(entry)
		for {
			c, err := r.ReadByte()
			if err == io.EOF && len(entry) > 0 {
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				return 0, err
			}
			if entry = append(entry, c); c < 0x80 {
				break
			}
			if len(entry)-from == binary.MaxVarintLen64 {
				break
			}
		}
		n, used := binary.Uvarint(entry[from:])
		if used <= 0 {
			return 0, errors.New("number has more than 64 bits")
		}
		return n, nil
	}
	var last, order uint64
	next, pages := uint64(ltx.HeaderSize), 0
	for {
		entry = entry[:0]
		pgno, err := number()
		if err != nil {
			return err
		}
		if pgno == 0 {
			f.crc = updateCRC(f.crc, entry)
			size++
			break
		}
		offset, err := number()
		if err != nil {
			return err
		}
		length, err := number()
		switch {
		case err != nil:
			return err
		case pgno > uint64(f.header.Commit):
			return fmt.Errorf("page %d is beyond the end of the database, %d", pgno, f.header.Commit)
		case pgno <= last:
			return fmt.Errorf("page %d after page %d", pgno, last)
		case offset < next:
			return fmt.Errorf("frame of page %d is at %d, but the previous one ends at %d", pgno, offset, next)
		case length <= ltx.PageHeaderSize || length > math.MaxInt64 || offset > math.MaxInt64-length:
			return fmt.Errorf("frame of page %d is at %d with %d bytes", pgno, offset, length)
		}
		f.crc = updateCRC(f.crc, entry)
		size += uint64(len(entry))
		last, next, pages = pgno, offset+length, pages+1
		order = hashNumber(order, uint32(pgno))
	}
	var buf [8]byte
	if _, err := io.ReadFull(r, buf[:]); err != nil {
		return err
	}
	f.crc = updateCRC(f.crc, buf[:])
	switch told := binary.BigEndian.Uint64(buf[:]); {
	case told != size:
		return fmt.Errorf("size is %d, but is stated as %d", size, told)
	case pages != f.pages:
		return fmt.Errorf("it has %d pages, but the file has %d", pages, f.pages)
	case order != f.order:
		return errors.New("its pages are not those of the file")
	}
	return nil
}

func (f *file) readTrailer(r *bufio.Reader) error {
	var buf [ltx.TrailerSize]byte
	if _, err := io.ReadFull(r, buf[:]); err != nil {
		return fmt.Errorf("read trailer: %w", err)
	}
	f.crc = updateCRC(f.crc, buf[:ltx.TrailerChecksumOffset])
	if err := f.trailer.UnmarshalBinary(buf[:]); err != nil {
		return fmt.Errorf("trailer: %w", err)
	}
	switch _, err := r.ReadByte(); {
	case err == nil:
		return errors.New("unexpected data after trailer")
	case err != io.EOF:
		return fmt.Errorf("read after trailer: %w", err)
	case ltx.ChecksumFlag|ltx.Checksum(f.crc) != f.trailer.FileChecksum:
		return ltx.ErrChecksumMismatch
	case f.header.IsSnapshot() && f.tracked() && f.trailer.PostApplyChecksum != f.sum:
		return fmt.Errorf("database checksum is %s in the trailer, but %s by its pages", f.trailer.PostApplyChecksum, f.sum)
	}
	return nil
}

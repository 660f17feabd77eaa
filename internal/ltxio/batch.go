package ltxio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/pierrec/lz4/v4"
	"github.com/superfly/ltx"
)

// batch is a group of pages that are read and decoded together.
type batch struct {
	frames []frame
	packed []byte // their data as they are in the file
	data   []byte // as they are in the database
	pages  []Page

	ended bool // the page block ends behind them
	err   error
	done  chan struct{}
}

// frame is a stored page.
type frame struct {
	head   [ltx.PageHeaderSize + 4]byte // header and size
	header ltx.PageHeader
	end    int    // of the data in packed
	crc    uint64 // of the decoded data
}

// headSize is the number of bytes before the data. Older frames are stored without their size.
func (f *frame) headSize() int {
	if f.sized() {
		return len(f.head)
	}
	return ltx.PageHeaderSize
}

func (f *frame) sized() bool { return f.header.Flags&ltx.PageHeaderFlagSize != 0 }

// maxFrameData is the largest size of the data in a frame: that of the largest possible page if LZ4
// cannot compress it.
const maxFrameData = ltx.MaxPageSize + ltx.MaxPageSize/255 + 16

func (d *Decoder) get() *batch {
	last := len(d.batches) - 1
	if last < 0 {
		return &batch{done: make(chan struct{}, 1)}
	}
	b := d.batches[last]
	d.batches = d.batches[:last]
	return b
}

func (d *Decoder) put(b *batch) {
	*b = batch{frames: b.frames[:0], packed: b.packed[:0], data: b.data, pages: b.pages[:0], done: b.done}
	d.batches = append(d.batches, b)
}

// read reads frames until their pages have size bytes, or the page block ends.
func (b *batch) read(r io.Reader, pageSize uint32, size int) error {
	for used := 0; used == 0 || used+int(pageSize) <= size; used += int(pageSize) {
		b.frames = append(b.frames, frame{})
		f := &b.frames[len(b.frames)-1]
		if err := b.readFrame(r, f, pageSize, used); err != nil {
			b.frames = b.frames[:len(b.frames)-1]
			return fmt.Errorf("page %d: %w", f.header.Pgno, err)
		}
		if b.ended = f.header.IsZero(); b.ended {
			b.frames = b.frames[:len(b.frames)-1]
			return nil
		}
	}
	return nil
}

func (b *batch) readFrame(r io.Reader, f *frame, pageSize uint32, at int) error {
	if _, err := io.ReadFull(r, f.head[:ltx.PageHeaderSize]); err != nil {
		return err
	}
	if err := f.header.UnmarshalBinary(f.head[:]); err != nil || f.header.IsZero() {
		return err
	}
	if err := f.header.Validate(); err != nil {
		return err
	}
	b.data = grown(b.data, at+int(pageSize))
	f.end = len(b.packed)
	if !f.sized() {
		return readOlder(r, b.data[at:at+int(pageSize)])
	}
	if _, err := io.ReadFull(r, f.head[ltx.PageHeaderSize:]); err != nil {
		return fmt.Errorf("read data size: %w", err)
	}
	size := binary.BigEndian.Uint32(f.head[ltx.PageHeaderSize:])
	if size == 0 || size > maxFrameData {
		return fmt.Errorf("frame has size %d: want 1 to %d", size, maxFrameData)
	}
	from := len(b.packed)
	f.end = from + int(size)
	b.packed = grown(b.packed, f.end)
	if _, err := io.ReadFull(r, b.packed[from:]); err != nil {
		return fmt.Errorf("read compressed data: %w", err)
	}
	return nil
}

// grown returns b with a length of at least n bytes.
func grown(b []byte, n int) []byte {
	if n > len(b) {
		b = append(b, make([]byte, n-len(b))...)
	}
	return b
}

// readOlder reads a page stored as an LZ4 frame without its size. Package lz4 looks for a further
// frame, and must not read any of the next page.
func readOlder(r io.Reader, page []byte) error {
	const footer = 4 + 4 // end mark, checksum
	limited := &io.LimitedReader{R: r, N: math.MaxInt64}
	zr := lz4.NewReader(limited)
	if _, err := io.ReadFull(zr, page); err != nil {
		return err
	}
	limited.N = footer
	var excess [1]byte
	switch _, err := io.ReadFull(zr, excess[:]); err {
	case io.EOF:
		return nil
	case nil:
		return errors.New("frame does not end after the page")
	default:
		return fmt.Errorf("end of frame: %w", err)
	}
}

// unpack decodes and sums the pages that were read.
func (b *batch) unpack(pageSize int) {
	defer func() { b.done <- struct{}{} }()
	power, from := powerCRC(uint32(pageSize)), 0
	for i := range b.frames {
		f := &b.frames[i]
		p := Page{Number: f.header.Pgno, Data: b.data[i*pageSize : (i+1)*pageSize]}
		if f.sized() {
			n, err := lz4.UncompressBlock(b.packed[from:f.end], p.Data)
			if err == nil && n != pageSize {
				err = fmt.Errorf("decoded size is %d", n)
			}
			if err != nil {
				b.err = fmt.Errorf("page %d: decompress block: %w", p.Number, err)
				return
			}
		}
		from = f.end
		f.crc = updateCRC(0, p.Data)
		p.Checksum = ltx.ChecksumFlag | ltx.Checksum(joinCRC(hashNumber(0, p.Number), f.crc, power))
		b.pages = append(b.pages, p)
	}
}

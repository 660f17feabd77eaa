// Package ltxio reads and verifies LTX files: headers of bodies that are being written, whole files
// during a transfer, and decoded pages, in bounded memory whatever a damaged file claims.
package ltxio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// maxTimestamp is the last millisecond of the year 9999, the last one that RFC 3339 can express.
const maxTimestamp = 253402300799999

// Body is a source whose header has been read.
type Body struct {
	// Reader reads every byte from the source's initial offset. It fails if the context is
	// done, and with a *SizeError if the source does not have Size bytes.
	io.Reader

	// Source is the caller's reader at its initial offset, if it can be read twice (an
	// *os.File of a regular file, or any working io.ReadSeeker), for a copy by the kernel
	// and to repeat a request; otherwise nil. Check what is read from it with CheckSize.
	Source io.Reader

	// Header is the LTX header if IsLTX.
	Header ltx.Header
	IsLTX  bool

	// Size is the number of bytes that the source had initially, or -1 if that is unknown.
	Size int64
}

// Peek reads the first bytes of r. It fails with the error of ctx or of r, or with fs.ErrInvalid
// if r is empty, or begins with the LTX magic but has no valid header of the transactions minTXID to
// maxTXID (clauses W5 and W7).
func Peek(ctx context.Context, r io.Reader, minTXID, maxTXID ltx.TXID) (*Body, error) {
	if r == nil {
		return nil, fmt.Errorf("reader is nil: want a body: %w", fs.ErrInvalid)
	}
	var buf [ltx.HeaderSize]byte
	size, start, seekable, err := remaining(r)
	if err != nil {
		return nil, err
	}
	src := newWhole(ctx, r, size)
	n, err := ReadFull(src, buf[:])
	if err != nil && err != io.EOF {
		return nil, err
	}
	if n == 0 {
		return nil, fmt.Errorf("body is empty: want an LTX file: %w", fs.ErrInvalid)
	}

	body := &Body{Size: size}
	if body.IsLTX = bytes.HasPrefix(buf[:n], []byte(ltx.Magic)); body.IsLTX {
		if err := decode(&body.Header, buf[:n], minTXID, maxTXID); err != nil {
			return nil, err
		}
	}
	if seekable {
		if _, err := r.(io.Seeker).Seek(start, io.SeekStart); err == nil {
			src.read, src.err = 0, nil
			body.Reader, body.Source = src, r
			return body, nil
		}
	}
	body.Reader = &prefixed{prefix: bytes.Clone(buf[:n]), rest: src, err: err}
	return body, nil
}

// Time returns the header's timestamp.
func (b *Body) Time() time.Time { return time.UnixMilli(b.Header.Timestamp).UTC() }

// ReadFull is io.ReadFull, except that it returns io.EOF for a source that is too short, and possibly
// with the last byte, so that an io.ErrUnexpectedEOF is the source's own.
func ReadFull(r io.Reader, buf []byte) (n int, err error) {
	for empty := 0; n < len(buf) && err == nil; {
		var nn int
		nn, err = r.Read(buf[n:])
		if n += nn; nn > 0 {
			empty = 0
		} else if empty++; err == nil && empty >= flow.MaxEmptyReads {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

func decode(hdr *ltx.Header, b []byte, minTXID, maxTXID ltx.TXID) error {
	if len(b) < ltx.HeaderSize {
		return fmt.Errorf("body ends after %d bytes, within the LTX header: %w", len(b), fs.ErrInvalid)
	}
	if err := errors.Join(hdr.UnmarshalBinary(b), hdr.Validate()); err != nil {
		return fmt.Errorf("body has no valid LTX header: %w: %w", err, fs.ErrInvalid)
	}
	if hdr.MinTXID != minTXID || hdr.MaxTXID != maxTXID {
		return fmt.Errorf("body's LTX header has transactions %s to %s: want %s to %s: %w",
			hdr.MinTXID, hdr.MaxTXID, minTXID, maxTXID, fs.ErrInvalid)
	}
	if hdr.Timestamp < 0 || hdr.Timestamp > maxTimestamp {
		return fmt.Errorf("body's LTX header has timestamp %d ms: want 0 to %d: %w", hdr.Timestamp, int64(maxTimestamp), fs.ErrInvalid)
	}
	return nil
}

// prefixed reads the bytes that were already read, and then the rest.
type prefixed struct {
	prefix []byte
	rest   io.Reader
	err    error // what came with the prefix's last byte: nil or io.EOF
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.prefix) > 0 {
		n := copy(b, p.prefix)
		p.prefix = p.prefix[n:]
		return n, nil
	}
	if p.err != nil {
		return 0, p.err
	}
	return p.rest.Read(b)
}

package compress

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// OpenLTXFile implements ltxstore.ReplicaClient. A whole file, or a range in its
// first 64 KiB, is one request. Another range is one request for the frames that
// it touches, if the file was listed, written or opened so before; else a listing
// that starts at the file and a read of its end come first. A range of a file
// that is not compressed costs one small read more each time: what it begins
// with tells that it still is not; and the whole of one that is no LTX file either,
// a listing and a read of its end.
//
// Frames that do not decode, a file that is cut off and a seek table that
// contradicts the frames are ErrChecksum. A range is checked by the checksums of
// its frames and, if it reaches the end of a file that is read from its
// beginning, by the seek table. One frame, compressed and not, is in memory.
func (c *Client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	err := backend.CheckFile(level, minTXID, maxTXID)
	if err == nil {
		err = rangeio.Check(offset, size)
	}
	if err != nil {
		return nil, codec.WrapCall(c.next, "open", err)
	}
	s, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	f := codec.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	rc, err := c.open(ctx, s, f, offset, size)
	if err != nil {
		return nil, codec.Wrap(c.next, "open", f, err)
	}
	return rc, nil
}

const (
	// prefix is how much of a file's beginning is read without its seek table.
	prefix = 64 << 10

	// prefixStored is at least what these bytes, in whole frames of any legal
	// size, and the end of a file that has no more take.
	prefixStored = prefix + maxFrameSize + 64<<10
)

// maxReplaced bounds how often a file is opened anew that is replaced between
// the reads of its end and of its frames.
const maxReplaced = 5

func (c *Client) open(ctx context.Context, s *setup, f codec.File, offset, size int64) (io.ReadCloser, error) {
	if offset == 0 && size == 0 {
		return c.openStart(ctx, s, f, 0, 0, -1)
	}
	if size > 0 && size <= prefix && offset <= prefix-size {
		return c.openStart(ctx, s, f, prefixStored, offset, size)
	}
	known, cached := s.files.Get(f)
	if !cached {
		var err error
		if known, err = c.look(ctx, s, f, ltx.FileInfo{}, false); err != nil {
			return nil, err
		}
	}
	for try := 1; ; try++ {
		rc, err := c.openKnown(ctx, s, f, known, offset, size)
		if try == maxReplaced || !errors.Is(err, ltxstore.ErrChecksum) && !errors.Is(err, errPastEnd) {
			return rc, err
		}
		now, lookErr := c.look(ctx, s, f, ltx.FileInfo{}, false)
		if lookErr != nil {
			return nil, lookErr
		}
		if now.length == known.length && now.at.Equal(known.at) { // it is the same file
			if errors.Is(err, errPastEnd) {
				return c.reader(ctx, f, nil, 0, 0), nil
			}
			return nil, err
		}
		known = now
	}
}

// errPastEnd means that the file, as far as is known, ends before the range.
var errPastEnd = errors.New("file ends before the range")

// openStart reads from the beginning: storedSize bytes of the stored file, 0
// means all.
func (c *Client) openStart(ctx context.Context, s *setup, f codec.File, storedSize, skip, left int64) (io.ReadCloser, error) {
	body, err := c.next.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, 0, storedSize)
	if err != nil {
		return nil, err
	}
	from := &codec.Transfer{R: body}
	seq := newSequence(s.zstd, from)
	r := c.reader(ctx, f, body, skip, left)
	head, err := seq.body.Peek(4)
	if err == io.EOF {
		err = nil
	}
	switch {
	case err != nil:
	case isZstd(head):
		r.Next = seq.next
		err = r.Load()
	default:
		if !isLTX(head) {
			err = c.mustBePlain(ctx, s, f)
		}
		r.Next = chunks(seq.body)
	}
	if err != nil {
		body.Close()
		return nil, err
	}
	return r, nil
}

// mustBePlain refuses a file whose beginning is neither LTX's nor zstd's, and
// whose end is that of a compressed file: its first bytes were damaged.
func (c *Client) mustBePlain(ctx context.Context, s *setup, f codec.File) error {
	known, err := c.look(ctx, s, f, ltx.FileInfo{}, false)
	if err == nil && known.ends != nil {
		err = codec.Corrupt("file ends as a compressed one and does not begin as one")
	}
	return err
}

// chunks returns what is read as it is, in pieces.
func chunks(r *bufio.Reader) func() ([]byte, error) {
	var buf []byte
	return func() ([]byte, error) {
		if buf == nil {
			buf = make([]byte, 32<<10)
		}
		n, err := r.Read(buf)
		if n > 0 {
			err = nil
		}
		return buf[:n], err
	}
}

// openKnown reads a range of a file by what is known of it. What does not fit
// that is ErrChecksum or errPastEnd: the file may be another since.
func (c *Client) openKnown(ctx context.Context, s *setup, f codec.File, known *stored, offset, size int64) (io.ReadCloser, error) {
	switch {
	case known.corrupt != nil:
		return nil, known.corrupt
	case known.ends == nil:
		return c.openPlain(ctx, f, offset, size)
	}
	start, n := rangeio.Clamp(offset, size, known.size)
	if n == 0 {
		return nil, errPastEnd
	}
	first, behind := start/known.frameSize, (start+n-1)/known.frameSize+1
	at, length := known.place(first, behind)
	body, err := c.next.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, at, length)
	if err != nil {
		return nil, err
	}
	sel := &selection{zstd: s.zstd, from: &codec.Transfer{R: body}, known: known, at: first, behind: behind}
	r := c.reader(ctx, f, body, start-first*known.frameSize, n)
	r.Next = sel.next
	if err := r.Load(); err != nil {
		body.Close()
		return nil, err
	}
	return r, nil
}

// openPlain opens a range of a file that is not compressed. The beginning is
// looked at after the range is open: a file that has been compressed meanwhile
// must not pass for one that is not.
func (c *Client) openPlain(ctx context.Context, f codec.File, offset, size int64) (io.ReadCloser, error) {
	body, err := c.next.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, offset, size)
	if err != nil {
		return nil, err
	}
	head, err := codec.Read(ctx, c.next, f, 0, 4)
	if err == nil && isZstd(head) {
		err = codec.Corrupt("file begins as a compressed one and does not end as one")
	}
	if err != nil {
		body.Close()
		return nil, err
	}
	return body, nil
}

func (c *Client) reader(ctx context.Context, f codec.File, body io.Closer, skip, left int64) *codec.Pieces {
	r := &codec.Pieces{Ctx: ctx, Skip: skip, Left: left, Body: body}
	r.Wrap = func(err error) error { return codec.Wrap(c.next, "read", f, err) }
	return r
}
